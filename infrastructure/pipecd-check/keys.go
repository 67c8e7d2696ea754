package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/pipe-cd/pipecd/pkg/config"
	"github.com/pipe-cd/pipecd/pkg/model"
	"sigs.k8s.io/yaml"
)

// Some places are decoded by PipeCD's own code, which accepts every key. This lists what they may contain: keys, and
// for `with` and `config` a type that another key selects.
var (
	stage      = reflect.TypeFor[config.PipelineStage]()
	platform   = reflect.TypeFor[config.PipedPlatformProvider]()
	analysis   = reflect.TypeFor[config.PipedAnalysisProvider]()
	management = reflect.TypeFor[config.SecretManagement]()
	duration   = reflect.TypeFor[config.Duration]()
	ownKeys    = map[reflect.Type][]string{
		stage:      {"id", "name", "desc", "timeout", "with"},
		platform:   {"name", "type", "labels", "config"},
		analysis:   {"name", "type", "config"},
		management: {"type", "config"},
	}
	// The type of `with` or `config`, by the name of a stage or the type of a provider.
	chosen = map[string]reflect.Type{
		string(model.StageWait):              reflect.TypeFor[config.WaitStageOptions](),
		string(model.StageWaitApproval):      reflect.TypeFor[config.WaitApprovalStageOptions](),
		string(model.StageAnalysis):          reflect.TypeFor[config.AnalysisStageOptions](),
		string(model.StageScriptRun):         reflect.TypeFor[config.ScriptRunStageOptions](),
		string(model.StageECSSync):           reflect.TypeFor[config.ECSSyncStageOptions](),
		string(model.StageECSCanaryRollout):  reflect.TypeFor[config.ECSCanaryRolloutStageOptions](),
		string(model.StageECSPrimaryRollout): reflect.TypeFor[config.ECSPrimaryRolloutStageOptions](),
		string(model.StageECSCanaryClean):    reflect.TypeFor[config.ECSCanaryCleanStageOptions](),
		string(model.StageECSTrafficRouting): reflect.TypeFor[config.ECSTrafficRoutingStageOptions](),
		string(model.StageTerraformPlan):     reflect.TypeFor[config.TerraformPlanStageOptions](),
		string(model.StageTerraformApply):    reflect.TypeFor[config.TerraformApplyStageOptions](),
		"ECS":                                reflect.TypeFor[config.PlatformProviderECSConfig](),
		"TERRAFORM":                          reflect.TypeFor[config.PlatformProviderTerraformConfig](),
		"DATADOG":                            reflect.TypeFor[config.AnalysisProviderDatadogConfig](),
		"KEY_PAIR":                           reflect.TypeFor[config.SecretManagementKeyPair](),
	}
)

// unknownKeys lists the keys of a file that PipeCD does not know, even if it accepts them.
func unknownKeys(data []byte, loaded *config.Config) []string {
	var file struct {
		Spec map[string]any `json:"spec"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return []string{err.Error()}
	}
	var spec any = loaded.ECSApplicationSpec
	switch loaded.Kind {
	case config.KindTerraformApp:
		spec = loaded.TerraformApplicationSpec
	case config.KindPiped:
		spec = loaded.PipedSpec
	}
	return unknown("spec", file.Spec, reflect.TypeOf(spec))
}

// unknownMembers lists the keys of a task or service definition that the ECS API of PipeCD's SDK does not know. Its
// decoder is case-insensitive; this check is not.
func unknownMembers(data []byte, of any, more ...string) []string {
	var file map[string]any
	if err := yaml.Unmarshal(data, &file); err != nil {
		return []string{err.Error()}
	}
	for _, key := range more {
		delete(file, key)
	}
	return unknown("", file, reflect.TypeOf(of))
}

func unknown(path string, value any, t reflect.Type) (found []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			for i, element := range v {
				found = append(found, unknown(fmt.Sprintf("%s[%d]", path, i), element, t.Elem())...)
			}
		}
	case map[string]any:
		if t.Kind() == reflect.Map {
			for key, element := range v {
				found = append(found, unknown(join(path, key), element, t.Elem())...)
			}
			return found
		}
		if t.Kind() != reflect.Struct {
			return nil
		}
		members := membersOf(t)
		for key, element := range v {
			member, known := members[key]
			switch {
			case !known:
				found = append(found, join(path, key))
			case member == nil:
				found = append(found, chosenKeys(path, key, v)...)
			default:
				found = append(found, unknown(join(path, key), element, member)...)
			}
		}
	}
	return found
}

// chosenKeys checks `with` of a stage or `config` of a provider, whose type is selected by the name of the stage or
// the type of the provider next to it.
func chosenKeys(path, key string, of map[string]any) []string {
	if key != "with" && key != "config" {
		return nil
	}
	by := of["name"]
	if key == "config" {
		by = of["type"]
	}
	t, known := chosen[fmt.Sprint(by)]
	if !known {
		return []string{fmt.Sprintf("%s, as far as this check knows of %v", join(path, key), by)}
	}
	return unknown(join(path, key), of[key], t)
}

// membersOf returns what an object of this type may contain. A nil type is decoded only by PipeCD's own code.
func membersOf(t reflect.Type) map[string]reflect.Type {
	members := map[string]reflect.Type{}
	if keys, own := ownKeys[t]; own {
		for _, key := range keys {
			members[key] = nil
		}
		return members
	}
	ofAPI := t.PkgPath() == reflect.TypeFor[types.TaskDefinition]().PkgPath()
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported() || field.Anonymous || name == "-":
			continue
		case name == "" && ofAPI:
			name = strings.ToLower(field.Name[:1]) + field.Name[1:]
		case name == "":
			continue
		}
		members[name] = field.Type
		if field.Type == duration || field.Type.Implements(reflect.TypeFor[json.Unmarshaler]()) {
			members[name] = reflect.TypeFor[string]()
		}
	}
	return members
}

func join(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

// supported reports whether a stage is allowed in the pipeline of such an application.
func supported(kind config.Kind, name string) bool {
	common := []string{"WAIT", "WAIT_APPROVAL", "ANALYSIS", "SCRIPT_RUN"}
	prefix := map[config.Kind]string{config.KindECSApp: "ECS_", config.KindTerraformApp: "TERRAFORM_"}[kind]
	return slices.Contains(common, name) || strings.HasPrefix(name, prefix)
}
