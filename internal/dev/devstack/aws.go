package devstack

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"orderflow/internal/ops/awsapi"
)

// Config configures AWS clients for the emulator, with its root credentials.
func (e *Emulator) Config() aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(e.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(cmp.Or(e.key, AccessKey), cmp.Or(e.key, SecretKey), ""),
	}
}

// Environ are the variables by which AWS's tools and cmd/serve find the emulator, with its root
// credentials.
func (e *Emulator) Environ() []string {
	return []string{"AWS_ENDPOINT_URL=" + e.URL, "AWS_REGION=" + Region, "AWS_ACCESS_KEY_ID=" + AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + SecretKey}
}

func (e *Emulator) api() awsapi.Client { return awsapi.Client{Config: e.Config()} }

// rest calls a service with REST and JSON; in and out may be nil. An empty answer leaves out as it
// is.
func (e *Emulator) rest(ctx context.Context, service, method, path string, in, out any) error {
	var body []byte
	header := http.Header{}
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
		header.Set("Content-Type", "application/json")
	}
	answer, err := e.api().Send(ctx, method, path, service, header, body)
	if err != nil || out == nil || len(answer) == 0 {
		return err
	}
	return json.Unmarshal(answer, out)
}

// inventories are the calls that list an account's resources: by the AWS JSON protocol (target),
// the query protocol (action) or a path. names extracts the names from the response.
var inventories = []struct{ kind, service, target, action, path, names string }{
	{kind: "table", service: "dynamodb", target: "DynamoDB_20120810.ListTables", names: `"(orderflow[^"]*)"`},
	{kind: "function", service: "lambda", path: "/2015-03-31/functions", names: `"FunctionName": ?"([^"]+)"`},
	{kind: "event source mapping", service: "lambda", path: "/2015-03-31/event-source-mappings",
		names: `"UUID": ?"([^"]+)"`},
	{kind: "log group", service: "logs", target: "Logs_20140328.DescribeLogGroups",
		names: `"logGroupName": ?"([^"]+)"`},
	{kind: "queue", service: "sqs", target: "AmazonSQS.ListQueues", names: `/([^/"]+)"`},
	{kind: "topic", service: "sns", action: "ListTopics", names: `<TopicArn>([^<]+)<`},
	{kind: "subscription", service: "sns", action: "ListSubscriptions", names: `<SubscriptionArn>([^<]+)<`},
	{kind: "parameter", service: "ssm", target: "AmazonSSM.DescribeParameters", names: `"Name": ?"([^"]+)"`},
	{kind: "secret", service: "secretsmanager", target: "secretsmanager.ListSecrets", names: `"Name": ?"([^"]+)"`},
	{kind: "state machine", service: "states", target: "AWSStepFunctions.ListStateMachines",
		names: `"name": ?"([^"]+)"`},
	{kind: "user pool", service: "cognito-idp", target: "AWSCognitoIdentityProviderService.ListUserPools",
		names: `"Id": ?"([^"]+)"`},
	{kind: "API", service: "apigateway", path: "/restapis", names: `"id": ?"([^"]+)"`},
	{kind: "role", service: "iam", action: "ListRoles", names: `<RoleName>([^<]+)<`},
	{kind: "policy", service: "iam", action: "ListPolicies", names: `<PolicyName>(orderflow[^<]*)<`},
	{kind: "alarm", service: "monitoring", action: "DescribeAlarms", names: `<AlarmName>([^<]+)<`},
	{kind: "dashboard", service: "monitoring", action: "ListDashboards", names: `<DashboardName>([^<]+)<`},
	{kind: "rule", service: "events", target: "AWSEvents.ListRules", names: `"Name": ?"([^"]+)"`},
	{kind: "schedule", service: "scheduler", path: "/schedules", names: `"Name": ?"([^"]+)"`},
	{kind: "bucket", service: "s3", path: "/", names: `<Name>([^<]+)<`},
	{kind: "stack", service: "cloudformation", action: "DescribeStacks", names: `<StackName>([^<]+)<`},
}

// versions are the API versions of the services with the query protocol.
var versions = map[string]string{"sns": "2010-03-31", "iam": "2010-05-08", "monitoring": "2010-08-01",
	"cloudformation": "2010-05-15"}

// more finds the token of the next page in a response.
var more = regexp.MustCompile(`"(nextToken|NextToken|NextMarker)": ?"([^"]+)"|<(NextToken)>([^<]+)<`)

// Inventory returns all resources, sorted, each as "kind: name".
func (e *Emulator) Inventory(ctx context.Context) ([]string, error) {
	var all []string
	for _, of := range inventories {
		names := regexp.MustCompile(of.names)
		for field, token, page := "", "", 0; page == 0 || token != ""; page++ {
			method, path, header, body := http.MethodPost, "/", http.Header{}, ""
			switch {
			case of.target != "":
				header.Set("Content-Type", "application/x-amz-json-1.1")
				header.Set("X-Amz-Target", of.target)
				arguments := map[string]any{}
				if of.service == "cognito-idp" {
					arguments["MaxResults"] = 60
				}
				if token != "" {
					arguments[field] = token
				}
				data, err := json.Marshal(arguments)
				if err != nil {
					return nil, err
				}
				body = string(data)
			case of.action != "":
				header.Set("Content-Type", "application/x-www-form-urlencoded")
				form := url.Values{"Action": {of.action}, "Version": {versions[of.service]}}
				if of.service == "iam" {
					form.Set("Scope", "Local")
					form.Set("MaxItems", "1000")
				}
				if token != "" {
					form.Set(field, token)
				}
				body = form.Encode()
			default:
				method, path = http.MethodGet, of.path
				if token != "" {
					path += "?" + url.Values{strings.TrimPrefix(field, "Next"): {token}}.Encode() // Marker, of Lambda
				}
			}
			answer, err := e.api().Send(ctx, method, path, of.service, header, []byte(body))
			if err != nil {
				return nil, fmt.Errorf("list resources of kind %s: %w", of.kind, err)
			}
			for _, m := range names.FindAllStringSubmatch(string(answer), -1) {
				all = append(all, of.kind+": "+strings.TrimSpace(m[1]))
			}
			field, token = "", ""
			if m := more.FindStringSubmatch(string(answer)); m != nil {
				field, token = m[1]+m[3], m[2]+m[4]
			}
			if page > 100 {
				return nil, fmt.Errorf("the list of %s does not end", of.kind)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// SAMEnviron returns the SAM CLI's settings for the emulator, as NAME=value. SAM keeps its files in
// home.
func (e *Emulator) SAMEnviron(home string) []string {
	return []string{
		"HOME=" + home, "TMPDIR=" + home,
		"AWS_ENDPOINT_URL=" + e.URL, "AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + SecretKey,
		"AWS_DEFAULT_REGION=" + Region, "AWS_EC2_METADATA_DISABLED=true",
		"SAM_CLI_TELEMETRY=0", "SAM_CLI_POLL_DELAY=0.5",
	}
}
