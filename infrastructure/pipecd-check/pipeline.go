package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/pipe-cd/pipecd/pkg/app/piped/platformprovider/ecs"
	"github.com/pipe-cd/pipecd/pkg/config"
	"github.com/pipe-cd/pipecd/pkg/filematcher"
	"github.com/pipe-cd/pipecd/pkg/model"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// checkPipeline finds mistakes that PipeCD would only report during a deployment.
func (r *repository) checkPipeline(a app) {
	file := a.folder + "/app.pipecd.yaml"
	generic, _ := a.config.GetGenericApplication()
	if generic.Pipeline == nil {
		return
	}
	var names []model.Stage
	for _, stage := range generic.Pipeline.Stages {
		names = append(names, stage.Name)
		if !supported(a.config.Kind, string(stage.Name)) {
			r.complain(file, "stage %s is not for an application of kind %s", stage.Name, a.config.Kind)
		}
		if stage.AnalysisStageOptions != nil {
			r.checkAnalysis(file, stage.AnalysisStageOptions)
		}
		if stage.ECSCanaryRolloutStageOptions != nil {
			if scale := stage.ECSCanaryRolloutStageOptions.Scale.Int(); scale < 1 || scale > 100 {
				r.complain(file, "stage %s has scale %d, not 1 to 100", stage.Name, scale)
			}
		}
	}
	if spec := a.config.ECSApplicationSpec; spec != nil {
		r.checkCanary(file, spec, names)
	}
}

func (r *repository) checkCanary(file string, spec *config.ECSApplicationSpec, names []model.Stage) {
	groups := spec.Input.TargetGroups
	for _, name := range []model.Stage{model.StageECSCanaryRollout, model.StageECSTrafficRouting} {
		if slices.Contains(names, name) && (groups.Primary == nil || groups.Canary == nil || !spec.Input.IsAccessedViaELB()) {
			r.complain(file, "stage %s needs both target groups, and accessType ELB", name)
		}
	}
	if !slices.Contains(names, model.StageECSCanaryRollout) {
		return
	}
	order := []model.Stage{model.StageECSCanaryRollout, model.StageECSPrimaryRollout, model.StageECSCanaryClean}
	last := -1
	for _, name := range order {
		at := slices.Index(names, name)
		if at <= last {
			r.complain(file, "the stages are not in the order %v", order)
			return
		}
		last = at
	}
	var routed *config.ECSTrafficRoutingStageOptions
	for _, stage := range spec.Pipeline.Stages {
		if stage.ECSTrafficRoutingStageOptions != nil {
			routed = stage.ECSTrafficRoutingStageOptions
		}
		// It also ends the tasks of the canary. Every request that is routed there from then on gets a 503.
		if stage.Name == model.StageECSPrimaryRollout && routed != nil {
			if _, canary := routed.Percentage(); canary != 0 {
				r.complain(file, "when ECS_PRIMARY_ROLLOUT ends the canary's tasks, %d %% of the traffic still go there", canary)
			}
		}
	}
	if routed == nil {
		r.complain(file, "no stage ECS_TRAFFIC_ROUTING: the canary gets no traffic")
	}
}

func (r *repository) checkAnalysis(file string, options *config.AnalysisStageOptions) {
	if len(options.Metrics) == 0 {
		r.complain(file, "stage ANALYSIS looks at nothing")
	}
	for _, metric := range options.Metrics {
		if _, known := r.piped.GetAnalysisProvider(metric.Provider); !known {
			r.complain(file, "infrastructure/piped/piped.yaml has no analysis provider %q", metric.Provider)
		}
		if _, err := template.New("query").Parse(metric.Query); err != nil {
			r.complain(file, "the query of stage ANALYSIS is no template: %v", err)
		}
		if err := metric.Expected.Validate(); metric.Strategy == config.AnalysisStrategyThreshold && err != nil {
			r.complain(file, "stage ANALYSIS: %v", err)
		}
		if metric.Interval >= options.Duration {
			r.complain(file, "stage ANALYSIS ends before it has looked once: interval %v, duration %v",
				metric.Interval.Duration(), options.Duration.Duration())
		}
	}
}

// checkDefinitions reads the task and the service as PipeCD does, and rejects unknown keys.
func (r *repository) checkDefinitions(a app) {
	input := a.config.ECSApplicationSpec.Input
	if task, err := ecs.LoadTaskDefinition(filepath.Join(r.root, a.folder), input.TaskDefinitionFile); err != nil {
		r.complain(a.folder, "PipeCD refuses the task definition: %v", err)
	} else if _, err := ecs.FindArtifactVersions(task); err != nil {
		r.complain(a.folder, "PipeCD finds no version in the task definition: %v", err)
	}
	if _, err := ecs.LoadServiceDefinition(filepath.Join(r.root, a.folder), input.ServiceDefinitionFile); err != nil {
		r.complain(a.folder, "PipeCD refuses the service definition: %v", err)
	}
	r.checkMembers(path.Join(a.folder, input.TaskDefinitionFile), types.TaskDefinition{})
	// PipeCD also accepts both in the form of the request.
	r.checkMembers(path.Join(a.folder, input.ServiceDefinitionFile), types.Service{}, "cluster", "role")
}

func (r *repository) checkMembers(file string, of any, more ...string) {
	data, err := os.ReadFile(filepath.Join(r.root, file))
	if err != nil {
		r.complain(file, "%v", err)
		return
	}
	for _, key := range unknownMembers(data, of, more...) {
		r.complain(file, "PipeCD knows no key %s", key)
	}
}

var moduleSource = regexp.MustCompile(`(?m)^\s*source\s*=\s*"(\.[^"]*)"`)

// checkTrigger checks that a change of a module deploys every application that uses the module.
func (r *repository) checkTrigger(a app) {
	generic, _ := a.config.GetGenericApplication()
	matcher, err := filematcher.NewPatternMatcher(generic.Trigger.OnCommit.Paths)
	if err != nil {
		r.complain(a.folder+"/app.pipecd.yaml", "trigger.onCommit.paths: %v", err)
		return
	}
	files, _ := filepath.Glob(filepath.Join(r.root, a.folder, "*.tf"))
	if len(files) == 0 {
		r.complain(a.folder, "there is no Terraform here")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			r.complain(a.folder, "%v", err)
		}
		for _, source := range moduleSource.FindAllStringSubmatch(string(data), -1) {
			module := path.Join(a.folder, source[1])
			inside := module == a.folder || strings.HasPrefix(module, a.folder+"/")
			if !inside && !matcher.Matches(module+"/main.tf") {
				r.complain(a.folder+"/app.pipecd.yaml", "no trigger for the module %s", module)
			}
		}
	}
}
