package cfn_test

import (
	"reflect"
	"testing"

	"orderflow/internal/platform/cfn"
)

const template = `
Parameters:
  Stage: {Type: String, Default: dev}
  Days: {Type: Number, Default: 7}
  Cups: {Type: CommaDelimitedList, Default: "a,b"}
Mappings:
  Pots: {dev: {Size: 2}, prod: {Size: 40}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsCheap: !And [!Not [!Condition IsProd], !Or [!Equals [!Ref Days, 7], !Equals [a, b]]]
Resources:
  Teas: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub "${AWS::StackName}-teas"}}
  Spare: {Type: AWS::DynamoDB::Table, Condition: IsProd}
  Unnamed: {Type: AWS::SNS::Topic}
  Brew:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: brew
      AutoPublishAlias: live
      Table: !Ref Teas
      Arns:
        - !GetAtt Teas.Arn
        - !GetAtt [Teas, Arn]
        - !Sub "${Teas.Arn}/index/x"
        - !Sub ["${What}:${!Literal}", {What: !Ref Stage}]
      List: [a, !If [IsProd, b, !Ref AWS::NoValue], c]
      Made: !Ref Unnamed
      Gone: !Ref AWS::NoValue
      Cheap: !If [IsCheap, "yes", "no"]
      Self: !GetAtt Brew.Arn
      Published: [!Ref Brew.Alias, !Ref Brew.Version]
      Other: !GetAtt Api.Url
      Cups: [!Ref Cups, !Join ["-", !Ref Cups], !Select [1, !Split [":", "x:y"]],
        !ImportValue {"Fn::Sub": "${Stage}-Url"}]
      Size: !FindInMap [Pots, !Ref Stage, Size]
`

func stack(t *testing.T, parameters map[string]string) *cfn.Stack {
	t.Helper()
	parsed, err := cfn.Parse([]byte(template))
	if err != nil {
		t.Fatal(err)
	}
	s, err := cfn.New(parsed, "shop", parameters)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReferencesBecomeNamesAndARNs(t *testing.T) {
	const (
		table    = "arn:aws:dynamodb:us-east-1:000000000000:table/shop-teas"
		function = "arn:aws:lambda:us-east-1:000000000000:function:brew"
	)
	want := map[string]any{
		"FunctionName": "brew", "Table": "shop-teas", "List": []any{"a", "c"}, "Cheap": "yes",
		"Arns": []any{table, table, table + "/index/x", "dev:${!Literal}"}, "Self": function, "Size": 2,
		"Cups": []any{[]any{"a", "b"}, "a-b", "y", "dev-Url"},
		"Made": "arn:aws:sns:us-east-1:000000000000:shop-Unnamed-*", "Other": "Api.Url",
		"AutoPublishAlias": "live", "Published": []any{function + ":live", function + ":1"},
	}
	if got := stack(t, nil).Properties("Brew"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestConditionsDependOnParameters(t *testing.T) {
	if got := stack(t, nil).OfType("AWS::DynamoDB::Table"); !reflect.DeepEqual(got, []string{"Teas"}) {
		t.Errorf("%v", got)
	}
	prod := stack(t, map[string]string{"Stage": "prod"})
	if got := prod.OfType("AWS::DynamoDB::Table"); !reflect.DeepEqual(got, []string{"Spare", "Teas"}) {
		t.Errorf("%v", got)
	}
	if p := prod.Properties("Brew"); p["Cheap"] != "no" || p["Size"] != 40 ||
		!reflect.DeepEqual(p["List"], []any{"a", "b", "c"}) {
		t.Errorf("%v", p)
	}
}

func TestUnknownParameterIsAnError(t *testing.T) {
	if _, err := cfn.New(map[string]any{}, "shop", map[string]string{"Stgae": "prod"}); err == nil {
		t.Error("want an error")
	}
}
