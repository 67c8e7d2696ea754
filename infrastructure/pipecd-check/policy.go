package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The policy of piped, as far as this check needs it. Action and Resource may be one text, or several.
type policy struct {
	Statement []struct {
		Effect           string
		Action, Resource texts
	}
}

type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// The resource type of an action. Actions that are not here cannot be limited to a resource, or are allowed for all.
var resources = map[string]string{
	"ecs:CreateService":                   "service/CLUSTER/SERVICE",
	"ecs:UpdateService":                   "service/CLUSTER/SERVICE",
	"ecs:UpdateServicePrimaryTaskSet":     "service/CLUSTER/SERVICE",
	"ecs:TagResource":                     "service/CLUSTER/SERVICE",
	"ecs:UntagResource":                   "service/CLUSTER/SERVICE",
	"ecs:CreateTaskSet":                   "task-set/CLUSTER/SERVICE/ecs-svc",
	"ecs:DeleteTaskSet":                   "task-set/CLUSTER/SERVICE/ecs-svc",
	"ecs:RegisterTaskDefinition":          "task-definition/SERVICE:1",
	"elasticloadbalancing:ModifyListener": "listener/app/handson-NAME/0/1",
	"elasticloadbalancing:ModifyRule":     "listener-rule/app/handson-NAME/0/1/2",
}

// Actions that the test itself needs; in production, Terraform does this.
var prepared = []string{"ecs:CreateCluster", "elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateListener",
	"elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:CreateRule"}

// Actions that PipeCD calls only if tasks are running, which is not the case here.
const ofTasks = "ecs:DescribeTasks"

// checkPolicy compares the calls of PipeCD with the permissions of its role, in both directions.
func (r *repository) checkPolicy(calls []call) {
	file := "infrastructure/piped/iam-policy.json"
	data, err := os.ReadFile(filepath.Join(r.root, file))
	var allowed policy
	if err == nil {
		err = json.Unmarshal(data, &allowed)
	}
	if err != nil {
		r.complain(file, "%v", err)
		return
	}
	var called []string
	for _, call := range calls {
		if !slices.Contains(prepared, call.action) {
			called = append(called, call.action)
		}
	}
	for _, action := range called {
		for _, a := range r.apps {
			if spec := a.config.ECSApplicationSpec; spec != nil && !allowed.allows(action, arn(action, filepath.Base(a.folder))) {
				r.complain(file, "PipeCD calls %s on %s, and may not", action, arn(action, filepath.Base(a.folder)))
			}
		}
	}
	for _, statement := range allowed.Statement {
		for _, action := range statement.Action {
			if action != "iam:PassRole" && action != ofTasks && !slices.Contains(called, action) {
				r.complain(file, "PipeCD never calls %s", action)
			}
		}
	}
}

func arn(action, service string) string {
	resource, limited := resources[action]
	if !limited {
		return "*"
	}
	resource = strings.NewReplacer("CLUSTER", "handson-app-cluster", "SERVICE", service,
		"NAME", strings.TrimPrefix(service, "handson-api-")).Replace(resource)
	return fmt.Sprintf("arn:aws:%s:TODO_AWS_REGION:TODO_AWS_ACCOUNT_ID:%s", strings.Split(action, ":")[0], resource)
}

func (p policy) allows(action, resource string) bool {
	for _, statement := range p.Statement {
		if statement.Effect != "Allow" || !slices.Contains(statement.Action, action) {
			continue
		}
		for _, pattern := range statement.Resource {
			// In a policy, a star also matches slashes.
			matched, _ := path.Match(strings.ReplaceAll(pattern, "/", "|"), strings.ReplaceAll(resource, "/", "|"))
			if matched || pattern == "*" {
				return true
			}
		}
	}
	return false
}
