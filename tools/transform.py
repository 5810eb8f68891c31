"""Print a SAM template's CloudFormation, with local files instead of uploaded ones.

Linters see roles and policies only after SAM's transform. The stage is production, which has the
most resources. It refuses templates with too many resources, or with a stage besides the API's own.
"""

import json
import pathlib
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.internal.managed_policies import get_bundled_managed_policy_map
from samtranslator.translator.transform import transform

UPLOADED = {
    "AWS::Serverless::Function": {"CodeUri": "s3://bucket/key"},
    "AWS::Serverless::LayerVersion": {"ContentUri": "s3://bucket/key"},
    "AWS::Serverless::StateMachine": {"DefinitionUri": {"Bucket": "bucket", "Key": "key"}},
}

LIMIT = 340  # resources; CloudFormation's limit is 500: docs/adr/0073-fewer-resources.md


def include(node, directory):
    """Replace AWS::Include by the included files."""
    if isinstance(node, list):
        return [include(value, directory) for value in node]
    if not isinstance(node, dict):
        return node
    included = node.get("Fn::Transform", {})
    if isinstance(included, dict) and included.get("Name") == "AWS::Include":
        return yaml_parse((directory / included["Parameters"]["Location"]).read_text())
    return {key: include(value, directory) for key, value in node.items()}


def main(path):
    template = include(yaml_parse(path.read_text()), path.parent)
    for resource in template["Resources"].values():
        properties = resource.setdefault("Properties", {})
        for name, value in UPLOADED.get(resource["Type"], {}).items():
            if name in properties:
                properties[name] = value
    defaults = {name: p["Default"] for name, p in template.get("Parameters", {}).items() if "Default" in p}
    if "prod" in template.get("Parameters", {}).get("Stage", {}).get("AllowedValues", []):
        defaults["Stage"] = "prod"
    policies = get_bundled_managed_policy_map("aws")
    result = transform(template, defaults, lambda: policies)
    for name, resource in result["Resources"].items():
        if resource["Type"] == "AWS::ApiGateway::Deployment" and "StageName" in resource["Properties"]:
            sys.exit(f"{path}: {name} creates an extra stage without limits: give the API an OpenApiVersion")
    if (count := len(result["Resources"])) >= LIMIT:
        sys.exit(f"{path}: {count} resources after SAM's transform, want fewer than {LIMIT}")
    json.dump(result, sys.stdout, indent=1)  # linters count the spaces, too, and allow 1 MB


main(pathlib.Path(sys.argv[1]))
