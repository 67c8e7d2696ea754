package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pipe-cd/pipecd/pkg/app/piped/eventwatcher"
	"github.com/pipe-cd/pipecd/pkg/app/piped/platformprovider/ecs"
	"github.com/pipe-cd/pipecd/pkg/app/server/service/pipedservice"
	"github.com/pipe-cd/pipecd/pkg/config"
	"github.com/pipe-cd/pipecd/pkg/git"
	"github.com/pipe-cd/pipecd/pkg/model"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// checkEvents runs PipeCD's event watcher on a clone: one event for each image, as GitHub Actions registers it. The
// pushed commit must only change the line of that image.
func (r *repository) checkEvents(ctx context.Context) {
	plane := &controlPlane{done: make(chan struct{})}
	before := map[string]string{}
	for _, a := range r.apps {
		if a.config.Kind != config.KindECSApp {
			continue
		}
		plane.apps = append(plane.apps, &model.Application{
			Id: a.folder, Kind: model.ApplicationKind_ECS,
			GitPath: &model.ApplicationGitPath{Repo: &model.ApplicationGitRepository{Id: "handson"}, Path: a.folder,
				ConfigFilename: model.DefaultApplicationConfigFilename},
		})
		for _, image := range []string{"server", "loadtest"} {
			name := fmt.Sprintf("backend-%s-%s-image", a.name(), image)
			r.watches(a, name)
			plane.events = append(plane.events, &model.Event{Id: name, Name: name,
				Data: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/" + name + ":" + commit, CreatedAt: time.Now().Unix()})
		}
		data, _ := os.ReadFile(r.taskFile(a))
		before[a.folder] = string(data)
	}
	if len(r.complaints) > 0 {
		return
	}
	clone, err := r.watch(ctx, plane)
	defer os.RemoveAll(filepath.Dir(clone))
	if err != nil {
		r.complain("infrastructure/env", "the event watcher: %v", err)
		return
	}
	if changed := run(clone, "diff", "--name-only", "HEAD", "origin/main"); strings.Count(changed, "\n") != len(before) {
		r.complain("infrastructure/env", "events changed the files\n%s", changed)
	}
	run(clone, "checkout", "--quiet", "origin/main")
	after := &repository{root: clone}
	for _, a := range r.apps {
		if was, isECS := before[a.folder]; isECS {
			r.compare(a, was, after)
		}
	}
}

// watches checks that an application handles an event as the workflow registers it.
func (r *repository) watches(a app, event string) {
	for _, watcher := range a.config.ECSApplicationSpec.EventWatcher {
		if watcher.Matcher.Name == event {
			if len(watcher.Matcher.Labels) > 0 {
				r.complain(a.folder+"/app.pipecd.yaml", "the event %s comes without labels, so this does not match", event)
			}
			if watcher.Handler.Type != config.EventWatcherHandlerTypeGitUpdate {
				r.complain(a.folder+"/app.pipecd.yaml", "the handler of the event %s is of type %s", event, watcher.Handler.Type)
			}
			return
		}
	}
	r.complain(a.folder+"/app.pipecd.yaml", "nothing handles the event %s", event)
}

func (r *repository) taskFile(a app) string {
	return filepath.Join(r.root, a.folder, a.config.ECSApplicationSpec.Input.TaskDefinitionFile)
}

// compare checks that the events changed the lines of the first two images.
func (r *repository) compare(a app, was string, after *repository) {
	file, _ := filepath.Rel(after.root, after.taskFile(a))
	data, _ := os.ReadFile(after.taskFile(a))
	old, now := strings.Split(was, "\n"), strings.Split(string(data), "\n")
	if len(old) != len(now) {
		r.complain(file, "the event watcher made %d lines of %d: write it as PipeCD does, without blank lines", len(now), len(old))
		return
	}
	changed := 0
	for i := range old {
		if old[i] != now[i] {
			changed++
			if !strings.HasPrefix(strings.TrimSpace(now[i]), "image: ") {
				r.complain(file, "an event changed line %d to %q", i+1, now[i])
			}
		}
	}
	task, err := ecs.LoadTaskDefinition(filepath.Dir(after.taskFile(a)), filepath.Base(file))
	if err != nil || len(task.ContainerDefinitions) < 2 {
		r.complain(file, "after the events, PipeCD refuses it: %v", err)
		return
	}
	for i, image := range []string{"server", "loadtest"} {
		event := fmt.Sprintf("backend-%s-%s-image", a.name(), image)
		if name := []string{"handson-api", "loadtest"}[i]; *task.ContainerDefinitions[i].Name != name {
			r.complain(file, "the event %s is for %s, and changes %s", event, name, *task.ContainerDefinitions[i].Name)
		}
		if got := *task.ContainerDefinitions[i].Image; !strings.HasSuffix(got, "/"+event+":"+commit) {
			r.complain(file, "after the event %s, the image of container %d is %s", event, i+1, got)
		}
	}
	if changed != 2 {
		r.complain(file, "two events changed %d lines", changed)
	}
}

// watch runs the event watcher on a clone until all events are handled, and returns the clone with the pushed
// commits.
func (r *repository) watch(ctx context.Context, plane *controlPlane) (string, error) {
	scratch, err := os.MkdirTemp("", "events")
	if err != nil {
		return "", err
	}
	clone, origin := filepath.Join(scratch, "clone"), filepath.Join(scratch, "origin.git")
	if err := os.CopyFS(filepath.Join(clone, "infrastructure"), os.DirFS(filepath.Join(r.root, "infrastructure"))); err != nil {
		return clone, err
	}
	run(scratch, "init", "--quiet", "--bare", "--initial-branch", "main", origin)
	run(clone, "init", "--quiet", "--initial-branch", "main")
	run(clone, "add", "--all")
	run(clone, "-c", "user.name=ci", "-c", "user.email=ci@example.com", "commit", "--quiet", "--message", "as it is")
	run(clone, "push", "--quiet", origin, "main")
	run(clone, "remote", "add", "origin", origin)

	client, err := git.NewClient()
	if err != nil {
		return clone, err
	}
	defer client.Clean()
	spec := &config.PipedSpec{
		Repositories: []config.PipedRepository{{RepoID: "handson", Remote: origin, Branch: "main"}},
		EventWatcher: config.PipedEventWatcher{CheckInterval: config.Duration(200 * time.Millisecond)},
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- eventwatcher.NewWatcher(spec, plane, client, plane, zap.NewNop()).Run(ctx) }()
	select {
	case <-plane.done:
	case <-time.After(2 * time.Minute):
		plane.failures = append(plane.failures, fmt.Sprintf("no application handles the events %v", plane.waiting()))
	}
	stop()
	<-ended
	if len(plane.failures) > 0 {
		return clone, fmt.Errorf("%s", strings.Join(plane.failures, "; "))
	}
	run(clone, "fetch", "--quiet", "origin")
	return clone, nil
}

func run(folder string, arguments ...string) string {
	command := exec.Command("git", arguments...)
	command.Dir = folder
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("git %v: %v: %s", arguments, err, out)
	}
	return string(out)
}

// controlPlane stands in for PipeCD's control plane: it knows the applications, and returns each event until it is
// handled.
type controlPlane struct {
	sync.Mutex
	apps     []*model.Application
	events   []*model.Event
	failures []string
	done     chan struct{}
}

func (p *controlPlane) waiting() (names []string) {
	p.Lock()
	defer p.Unlock()
	for _, event := range p.events {
		names = append(names, event.Name)
	}
	return names
}

func (p *controlPlane) ListNotHandled(name string, _ map[string]string, _ int64, _ int) (found []*model.Event) {
	p.Lock()
	defer p.Unlock()
	for _, event := range p.events {
		if event.Name == name {
			found = append(found, event)
		}
	}
	return found
}

func (p *controlPlane) GetLatestEvent(_ context.Context, request *pipedservice.GetLatestEventRequest, _ ...grpc.CallOption) (*pipedservice.GetLatestEventResponse, error) {
	return &pipedservice.GetLatestEventResponse{Event: p.ListNotHandled(request.Name, nil, 0, 0)[0]}, nil
}

func (p *controlPlane) ListApplications(context.Context, *pipedservice.ListApplicationsRequest, ...grpc.CallOption) (*pipedservice.ListApplicationsResponse, error) {
	return &pipedservice.ListApplicationsResponse{Applications: p.apps}, nil
}

func (p *controlPlane) ReportEventStatuses(_ context.Context, request *pipedservice.ReportEventStatusesRequest, _ ...grpc.CallOption) (*pipedservice.ReportEventStatusesResponse, error) {
	p.Lock()
	defer p.Unlock()
	for _, report := range request.Events {
		if report.Status != model.EventStatus_EVENT_SUCCESS {
			p.failures = append(p.failures, fmt.Sprintf("event %s: %s", report.Id, report.StatusDescription))
		}
		for i, event := range p.events {
			if event.Id == report.Id {
				p.events = append(p.events[:i:i], p.events[i+1:]...)
				break
			}
		}
	}
	if len(p.events) == 0 {
		close(p.done)
		p.done = make(chan struct{})
	}
	return &pipedservice.ReportEventStatusesResponse{}, nil
}
