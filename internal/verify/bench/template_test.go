package bench

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

const sam = `
Parameters:
  Stage: {Type: String, Default: dev}
  EmulatorEndpoint: {Type: String, Default: ""}
Conditions:
  OnAWS: !Equals [!Ref EmulatorEndpoint, ""]
  Local: !Not [!Condition OnAWS]
Globals: {Function: {Environment: {Variables: {TABLE_NAME: !Ref Table}}}}
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: t}}
  FirstFunction: {Type: AWS::Serverless::Function, Properties: {CodeUri: .packages/first}}
  SecondFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .packages/second-one
      Environment:
        Variables:
          TABLE_NAME: own
          STAGE: !Ref Stage
          SECRET: !Sub "/${Stage}/${AWS::StackName}/x"
          ARN: !GetAtt Table.Arn
          LIMIT: 7
          WHERE: !If [OnAWS, aws, !Ref Stage]
          OTHER: !If [Local, local, remote]
`

func TestVariablesAreReadFromTheTemplate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(sam), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := variables(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]map[string]string{
		"first": {"TABLE_NAME": "t"},
		"second-one": {"TABLE_NAME": "own", "STAGE": "dev", "SECRET": "/dev/bench/x",
			"ARN": "arn:aws:dynamodb:us-east-1:000000000000:table/t", "LIMIT": "7",
			"WHERE": "aws", "OTHER": "remote"},
	} {
		if !maps.Equal(got[name], want) {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
	if len(got) != 2 {
		t.Errorf("functions %v", got)
	}
}

func TestUnsupportedValuesAreErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template.yaml")
	for _, value := range []string{`!Cidr [a, 1]`, `[a]`, `{a: b}`, `!If [a]`} {
		text := "Resources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: .packages/f, " +
			"Environment: {Variables: {V: " + value + "}}}}}"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := variables(file); err == nil {
			t.Errorf("%s: %v", value, got)
		}
	}
}
