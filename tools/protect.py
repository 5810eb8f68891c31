"""Give a CloudFormation stack the policy tools/stack-policy.json: no update of it replaces or deletes what holds data.

A policy holds until it is set otherwise, and whoever must replace a table on purpose passes a policy for that one update.
"""

import pathlib
import sys

import boto3


def main(stack: str) -> None:
    policy = pathlib.Path(__file__).with_name("stack-policy.json").read_text()
    boto3.client("cloudformation").set_stack_policy(StackName=stack, StackPolicyBody=policy)
    print(f"{stack}: tables and user pool cannot be replaced or deleted by an update")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: protect.py STACK")
    main(sys.argv[1])
