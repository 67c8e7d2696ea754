package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"sync"

	provider "github.com/pipe-cd/pipecd/pkg/app/piped/platformprovider/ecs"
	"github.com/pipe-cd/pipecd/pkg/config"
	"go.uber.org/zap"
	"sigs.k8s.io/yaml"
)

// A call of AWS: the action as in a policy, and the request.
type call struct {
	action string
	body   map[string]any
}

// recorder is a proxy before the stand-in for AWS, and records the calls.
type recorder struct {
	sync.Mutex
	calls []call
}

func (c *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request, next http.Handler) {
	body, _ := io.ReadAll(request.Body)
	request.Body = io.NopCloser(bytes.NewReader(body))
	noted := call{}
	if target := request.Header.Get("X-Amz-Target"); target != "" {
		noted.action = "ecs:" + target[strings.LastIndex(target, ".")+1:]
		_ = json.Unmarshal(body, &noted.body)
	} else if form, err := url.ParseQuery(string(body)); err == nil {
		noted.action = "elasticloadbalancing:" + form.Get("Action")
	}
	c.Lock()
	c.calls = append(c.calls, noted)
	c.Unlock()
	next.ServeHTTP(w, request)
}

// sent is the body of the last call of an action.
func (c *recorder) sent(action string) map[string]any {
	c.Lock()
	defer c.Unlock()
	for i := len(c.calls) - 1; i >= 0; i-- {
		if c.calls[i].action == action {
			return c.calls[i].body
		}
	}
	return nil
}

// checkDeployments makes the calls of a deployment with PipeCD's client, for each ECS application, in the order of
// its executor. PipeCD drops what is in a file but in no call; the policy must allow all calls.
func (r *repository) checkDeployments(ctx context.Context) {
	aws, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	if err != nil || aws.Host == "" {
		r.complain("AWS_ENDPOINT_URL", "no stand-in for AWS: %q", os.Getenv("AWS_ENDPOINT_URL"))
		return
	}
	noted, behind := &recorder{}, httputil.NewSingleHostReverseProxy(aws)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		noted.ServeHTTP(w, request, behind)
	}))
	defer proxy.Close()
	for variable, value := range map[string]string{"AWS_ENDPOINT_URL": proxy.URL, "AWS_ACCESS_KEY_ID": "ci",
		"AWS_SECRET_ACCESS_KEY": "ci", "AWS_EC2_METADATA_DISABLED": "true"} {
		before := os.Getenv(variable)
		os.Setenv(variable, value)
		defer os.Setenv(variable, before)
	}
	client, err := provider.DefaultRegistry().Client(proxy.URL, &config.PlatformProviderECSConfig{Region: "eu-central-1"}, zap.NewNop())
	if err != nil {
		r.complain("infrastructure/env", "%v", err)
		return
	}
	balancer, err := balance(ctx, aws.String(), r.canaries())
	if err != nil {
		r.complain("infrastructure/env", "the load balancer: %v", err)
		return
	}
	for _, a := range r.apps {
		if a.config.Kind == config.KindECSApp {
			if err := r.deploy(ctx, client, balancer, a); err != nil {
				r.complain(a.folder, "%v", err)
				continue
			}
			r.nothingDropped(a, noted)
		}
	}
	r.routesApart(ctx, client, balancer)
	if len(r.complaints) == 0 {
		r.checkPolicy(noted.calls)
	}
}

// deploy makes every call of PipeCD's executor and of its live state store.
func (r *repository) deploy(ctx context.Context, client provider.Client, balancer *balancer, a app) error {
	input, folder := a.config.ECSApplicationSpec.Input, filepath.Join(r.root, a.folder)
	task, err := provider.LoadTaskDefinition(folder, input.TaskDefinitionFile)
	if err != nil {
		return err
	}
	service, err := provider.LoadServiceDefinition(folder, input.ServiceDefinitionFile)
	if err != nil {
		return err
	}
	service.Tags = append(service.Tags, provider.MakeTags(map[string]string{
		provider.LabelManagedBy: provider.ManagedByPiped, provider.LabelApplication: a.folder})...)
	if err := balancer.cluster(ctx, *service.ClusterArn); err != nil {
		return err
	}
	registered, err := client.RegisterTaskDefinition(ctx, task)
	if err != nil {
		return err
	}
	if found, err := client.ServiceExists(ctx, *service.ClusterArn, *service.ServiceName); err != nil || found {
		return fmt.Errorf("the service exists: %v, %v", found, err)
	}
	created, err := client.CreateService(ctx, service)
	if err != nil {
		return err
	}
	primary := balancer.group(a.name(), "primary")
	if primary != nil {
		primary.ContainerName, primary.ContainerPort = &input.TargetGroups.Primary.ContainerName, port(input.TargetGroups.Primary)
	}
	// One per cent would be no task there, because it would need subnets that exist.
	set, err := client.CreateTaskSet(ctx, *created, *registered, primary, 1)
	if err != nil {
		return err
	}
	if _, err := client.UpdateServicePrimaryTaskSet(ctx, *created, *set); err != nil {
		return err
	}
	sets, err := client.GetServiceTaskSets(ctx, *created)
	if err != nil || len(sets) != 1 {
		return fmt.Errorf("%d task sets of PipeCD: %v", len(sets), err)
	}
	if _, err := client.UpdateService(ctx, service); err != nil {
		return err
	}
	if err := client.TagResource(ctx, *created.ServiceArn, service.Tags); err != nil {
		return err
	}
	if _, err := client.ListTags(ctx, *created.ServiceArn); err != nil {
		return err
	}
	if err := client.UntagResource(ctx, *created.ServiceArn, []string{"old"}); err != nil {
		return err
	}
	if _, err := client.ListClusters(ctx); err != nil {
		return err
	}
	if _, err := client.GetServices(ctx, *service.ClusterArn); err != nil {
		return err
	}
	if _, err := client.GetTaskDefinition(ctx, *registered.TaskDefinitionArn); err != nil {
		return err
	}
	if _, err := client.GetTaskSetTasks(ctx, *set); err != nil {
		return err
	}
	return client.DeleteTaskSet(ctx, *set)
}

func port(group *config.ECSTargetGroup) *int32 {
	number := int32(group.ContainerPort)
	return &number
}

// nothingDropped compares the files with the requests: a key that PipeCD does not pass on has no effect.
func (r *repository) nothingDropped(a app, noted *recorder) {
	input := a.config.ECSApplicationSpec.Input
	r.compareCalls(path.Join(a.folder, input.TaskDefinitionFile), noted.sent("ecs:RegisterTaskDefinition"))
	service := noted.sent("ecs:CreateService")
	// Keys about tasks are part of the task set.
	for key, value := range noted.sent("ecs:CreateTaskSet") {
		if _, taken := service[key]; !taken {
			service[key] = value
		}
	}
	r.compareCalls(path.Join(a.folder, input.ServiceDefinitionFile), service)
}

func (r *repository) compareCalls(file string, sent map[string]any) {
	data, _ := os.ReadFile(filepath.Join(r.root, file))
	var wanted map[string]any
	if err := yaml.Unmarshal(data, &wanted); err != nil {
		r.complain(file, "%v", err)
	}
	for _, key := range missing("", wanted, sent) {
		r.complain(file, "PipeCD does not pass on %s", key)
	}
}

func missing(path string, wanted, sent any) (found []string) {
	switch w := wanted.(type) {
	case map[string]any:
		s, _ := sent.(map[string]any)
		for key, value := range w {
			found = append(found, missing(join(path, key), value, s[key])...)
		}
	case []any:
		s, _ := sent.([]any)
		for i, value := range w {
			var other any
			if i < len(s) {
				other = s[i]
			}
			found = append(found, missing(fmt.Sprintf("%s[%d]", path, i), value, other)...)
		}
	default:
		if !reflect.DeepEqual(wanted, sent) && !(sent == nil && isZero(wanted)) {
			found = append(found, fmt.Sprintf("%s: %v (sent: %v)", path, wanted, sent))
		}
	}
	return found
}

// isZero reports whether a value is a zero value, which the SDK omits.
func isZero(value any) bool { return value == nil || reflect.ValueOf(value).IsZero() }
