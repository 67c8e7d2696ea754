package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	base    = "infrastructure/env/handson-api-base/"
	canary  = "infrastructure/env/handson-api-canary/"
	datadog = "infrastructure/env/datadog/"
	piped   = "infrastructure/piped/"
)

// Plausible mistakes: in a file, one text instead of another. Each has the expected words of the report, and whether
// only a deployment can detect it.
var mistakes = []struct {
	file, right, wrong, said string
	deploying                bool
}{
	{file: base + "app.pipecd.yaml", right: "v1beta1", wrong: "v1", said: "unsupported version: pipecd.dev/v1"},
	{file: base + "app.pipecd.yaml", right: "kind: ECSApp", wrong: "kind: ECSApplication", said: "unsupported kind"},
	{file: base + "app.pipecd.yaml", right: "name: handson-api-base", wrong: "name: handson-base", said: "not the folder's name"},
	{file: base + "app.pipecd.yaml", right: "serviceDefinitionFile:", wrong: "serviceDefinition:", said: `unknown field "serviceDefinition"`},
	{file: base + "app.pipecd.yaml", right: "autoRollback:", wrong: "autoRollBack:", said: "no key spec.input.autoRollBack"},
	{file: base + "app.pipecd.yaml", right: "accessType: ELB", wrong: "accessType: ALB", said: "invalid accessType: ALB"},
	{file: base + "app.pipecd.yaml", right: "yamlField: $.containerDefinitions[0]", wrong: "yamlPath: $.containerDefinitions[0]", said: `unknown field "yamlPath"`},
	{file: base + "app.pipecd.yaml", right: "name: backend-base-loadtest-image", wrong: "name: backend-base-loadtest", said: "nothing handles the event backend-base-loadtest-image"},
	{file: base + "app.pipecd.yaml", right: "name: backend-base-server-image", wrong: "name: backend-base-server-image\n        labels: {env: production}", said: "comes without labels"},
	{file: base + "app.pipecd.yaml", right: "containerDefinitions[0].image", wrong: "containerDefinitions[2].image", said: "after the event backend-base-server-image, the image of container 1"},
	{file: base + "app.pipecd.yaml", right: "containerDefinitions[1].image", wrong: "containerDefinitions[1].img", said: "failed to get value at $.containerDefinitions[1].img"},
	{file: base + "app.pipecd.yaml", right: "file: taskdef.yaml", wrong: "file: task.yaml", said: "no such file"},
	{file: base + "app.pipecd.yaml", right: "type: GIT_UPDATE", wrong: "type: GIT_COMMIT", said: "the handler of the event backend-base-server-image is of type GIT_COMMIT"},

	{file: base + "taskdef.yaml", right: "  - name: handson-api\n", wrong: "  - name: api\n", said: "is for handson-api, and changes api"},
	{file: base + "taskdef.yaml", right: "    essential: true\n", wrong: "\n    essential: true\n", said: "without blank lines"},
	{file: base + "taskdef.yaml", right: "readonlyRootFilesystem:", wrong: "readOnlyRootFilesystem:", said: "no key containerDefinitions[0].readOnlyRootFilesystem"},
	{file: base + "taskdef.yaml", right: "startPeriod:", wrong: "startingPeriod:", said: "no key containerDefinitions[0].healthCheck.startingPeriod"},
	{file: base + "taskdef.yaml", right: "family: handson-api-base", wrong: "family: handson-api-base\ntags: []", said: "no key tags"},
	{file: base + "taskdef.yaml", right: "    essential: true", wrong: "    essential: \"true\"", said: "PipeCD refuses the task definition"},
	{file: base + "servicedef.yaml", right: "launchType:", wrong: "launchtype:", said: "no key launchtype"},
	{file: base + "servicedef.yaml", right: "desiredCount: 1", wrong: "desiredCount: one", said: "PipeCD refuses the service definition"},
	{file: base + "servicedef.yaml", right: "type: EXTERNAL", wrong: "type: ECS", said: "deployment controller of type EXTERNAL is required", deploying: true},
	{file: base + "servicedef.yaml", right: "launchType: FARGATE", wrong: "launchType: FARGATE\ntaskDefinition: handson-api-base", said: "does not pass on taskDefinition", deploying: true},

	{file: canary + "app.pipecd.yaml", right: "ECS_CANARY_ROLLOUT", wrong: "ECS_CANARY_ROLOUT", said: "unsupported stage name: ECS_CANARY_ROLOUT"},
	{file: canary + "app.pipecd.yaml", right: "name: ECS_CANARY_CLEAN", wrong: "name: TERRAFORM_APPLY", said: "TERRAFORM_APPLY is not for an application of kind ECSApp"},
	{file: canary + "app.pipecd.yaml", right: "with:\n          scale", wrong: "options:\n          scale", said: "no key spec.pipeline.stages[0].options"},
	{file: canary + "app.pipecd.yaml", right: "scale: 50", wrong: "replicas: 50", said: "no key spec.pipeline.stages[0].with.replicas"},
	{file: canary + "app.pipecd.yaml", right: "canary: 20", wrong: "canry: 20", said: "no key spec.pipeline.stages[1].with.canry"},
	{file: canary + "app.pipecd.yaml", right: "failureLimit:", wrong: "failureLimits:", said: "no key spec.pipeline.stages[2].with.metrics[0].failureLimits"},
	{file: canary + "app.pipecd.yaml", right: "                max: 0.05", wrong: "                maximum: 0.05", said: "no key spec.pipeline.stages[2].with.metrics[0].expected.maximum"},
	{file: canary + "app.pipecd.yaml", right: "interval: 2m", wrong: "interval: 20m", said: "ends before it has looked once"},
	{file: canary + "app.pipecd.yaml", right: "provider: datadog", wrong: "provider: dd", said: `no analysis provider "dd"`},
	{file: canary + "app.pipecd.yaml", right: "accessType: ELB", wrong: "accessType: SERVICE_DISCOVERY", said: "needs both target groups, and accessType ELB"},
	{file: canary + "app.pipecd.yaml", right: "          primary: 100", wrong: "          canary: 20", said: "20 % of the traffic still go there"},
	{file: canary + "app.pipecd.yaml", right: "      - name: ECS_CANARY_CLEAN\n", wrong: "", said: "the stages are not in the order"},

	{file: datadog + "app.pipecd.yaml", right: "terraformVersion:", wrong: "version:", said: `unknown field "version"`},
	{file: datadog + "app.pipecd.yaml", right: "name: TERRAFORM_PLAN", wrong: "name: TERRAFORM_PLAIN", said: "unsupported stage name: TERRAFORM_PLAIN"},
	{file: datadog + "app.pipecd.yaml", right: "exitOnNoChanges:", wrong: "exitOnNoChange:", said: "no key spec.pipeline.stages[0].with.exitOnNoChange"},
	{file: datadog + "app.pipecd.yaml", right: "name: TERRAFORM_APPLY", wrong: "name: ECS_SYNC", said: "ECS_SYNC is not for an application of kind TerraformApp"},
	{file: datadog + "terraform.tf", right: "terraform {", wrong: "module \"none\" {\n  source = \"../../modules/none\"\n}\n\nterraform {", said: "no trigger for the module infrastructure/modules/none"},

	{file: piped + "piped.yaml", right: "checkInterval:", wrong: "interval:", said: "no key spec.eventWatcher.interval"},
	{file: piped + "piped.yaml", right: "region:", wrong: "regions:", said: "no key spec.platformProviders[0].config.regions"},
	{file: piped + "piped.yaml", right: "type: ECS", wrong: "type: AWS", said: "unsupported platform provider type"},
	{file: piped + "piped.yaml", right: "applicationKeyFile:", wrong: "appKeyFile:", said: "datadog ApplicationKeyFile"},
	{file: piped + "piped.yaml", right: "repoId:", wrong: "repoID:", said: "no key spec.repositories[0].repoID"},
	{file: piped + "iam-policy.json", right: "\"ecs:CreateTaskSet\",\n", wrong: "", said: "PipeCD calls ecs:CreateTaskSet", deploying: true},
	{file: piped + "iam-policy.json", right: "service/handson-app-cluster/handson-api-*", wrong: "service/handson/handson-api-*", said: "PipeCD calls ecs:CreateService", deploying: true},
	{file: piped + "iam-policy.json", right: "\"ecs:CreateService\",", wrong: "\"ecs:CreateService\", \"ecs:DeleteService\",", said: "PipeCD never calls ecs:DeleteService", deploying: true},
}

// unnoticed makes each mistake in a copy, and returns those that were not reported, or not with the expected words. Most of the
// time goes to waiting for PipeCD's event watcher, so several copies are checked at a time. Deployments share moto and the
// environment: those run one after the other.
func unnoticed(root string) (found []string) {
	results := make([]string, len(mistakes))
	var group sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i, mistake := range mistakes {
		if !mistake.deploying {
			group.Go(func() {
				slots <- struct{}{}
				results[i] = outcome(root, i)
				<-slots
			})
		}
	}
	group.Wait()
	for i, mistake := range mistakes {
		if mistake.deploying {
			results[i] = outcome(root, i)
		}
		if results[i] != "" {
			found = append(found, results[i])
		}
	}
	if len(found) == 0 {
		fmt.Printf("%d mistakes, each reported\n", len(mistakes))
	}
	return found
}

// outcome makes one mistake. It returns an empty text if the mistake is reported with the expected words.
func outcome(root string, i int) string {
	mistake := mistakes[i]
	said, err := try(root, mistake.file, mistake.right, mistake.wrong, mistake.deploying)
	what := fmt.Sprintf("%s: %q for %q", mistake.file, mistake.wrong, mistake.right)
	switch all := strings.Join(said, "\n  "); {
	case err != nil:
		return fmt.Sprintf("%s: %v", what, err)
	case len(said) == 0:
		return what + ": not noticed"
	case !strings.Contains(all, mistake.said):
		return fmt.Sprintf("%s: expected %q, got:\n  %s", what, mistake.said, all)
	}
	return ""
}

func try(root, file, right, wrong string, deploying bool) ([]string, error) {
	scratch, err := os.MkdirTemp("", "mistake")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	from, to := filepath.Join(root, "infrastructure"), filepath.Join(scratch, "infrastructure")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(scratch, file))
	if err != nil || !strings.Contains(string(data), right) {
		return nil, fmt.Errorf("the mistake cannot be made there: %v", err)
	}
	changed := strings.Replace(string(data), right, wrong, 1)
	if err := os.WriteFile(filepath.Join(scratch, file), []byte(changed), 0o600); err != nil {
		return nil, err
	}
	return check(scratch, deploying), nil
}
