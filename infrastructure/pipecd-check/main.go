// Command pipecd-check checks the files that PipeCD reads, with PipeCD's own code.
//
//	pipecd-check ROOT            reports what is wrong with infrastructure/ of the repository at ROOT
//	pipecd-check -mistakes ROOT  makes a mistake in each of many copies, and reports those that nobody noticed
//
// It starts moto_server in place of AWS, and deploys every ECS application there with PipeCD's own client.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pipe-cd/pipecd/pkg/config"
)

// A repository, and what is wrong in it.
type repository struct {
	root       string
	apps       []app
	piped      *config.PipedSpec
	complaints []string
}

// An application of PipeCD: one folder below infrastructure/env.
type app struct {
	// The folder, from the root.
	folder string
	config *config.Config
}

func main() {
	mistakes := flag.Bool("mistakes", false, "make mistakes in copies, and see whether they are noticed")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	root := flag.Arg(0)
	endpoint, stop, err := startMoto()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("AWS_ENDPOINT_URL", endpoint)
	var wrong []string
	if *mistakes {
		wrong = unnoticed(root)
	} else {
		wrong = check(root, true)
	}
	stop()
	for _, line := range wrong {
		fmt.Fprintln(os.Stderr, line)
	}
	if len(wrong) > 0 {
		os.Exit(1)
	}
}

// check returns what is wrong in the repository at root. Deploying is slow compared with the rest.
func check(root string, deploying bool) []string {
	r := &repository{root: root}
	r.loadPiped()
	r.loadApps()
	for _, a := range r.apps {
		r.checkPipeline(a)
		if a.config.Kind == config.KindECSApp {
			r.checkDefinitions(a)
		}
		if a.config.Kind == config.KindTerraformApp {
			r.checkTrigger(a)
		}
	}
	if len(r.complaints) == 0 {
		r.checkEvents(context.Background())
	}
	if len(r.complaints) == 0 && deploying {
		r.checkDeployments(context.Background())
	}
	slices.Sort(r.complaints)
	return slices.Compact(r.complaints)
}

func (r *repository) complain(file, format string, arguments ...any) {
	r.complaints = append(r.complaints, file+": "+fmt.Sprintf(format, arguments...))
}

func (r *repository) loadPiped() {
	file := "infrastructure/piped/piped.yaml"
	loaded, ok := r.load(file)
	if ok && loaded.PipedSpec == nil {
		r.complain(file, "kind is %s, not Piped", loaded.Kind)
	}
	if r.piped = &(config.PipedSpec{}); ok && loaded.PipedSpec != nil {
		r.piped = loaded.PipedSpec
	}
}

func (r *repository) loadApps() {
	files, _ := filepath.Glob(filepath.Join(r.root, "infrastructure/env/*/app.pipecd.yaml"))
	if len(files) == 0 {
		r.complain("infrastructure/env", "there is no app.pipecd.yaml")
	}
	for _, file := range files {
		folder, _ := filepath.Rel(r.root, filepath.Dir(file))
		loaded, ok := r.load(folder + "/app.pipecd.yaml")
		if !ok {
			continue
		}
		a := app{folder: folder, config: loaded}
		if generic, isApp := loaded.GetGenericApplication(); !isApp {
			r.complain(folder+"/app.pipecd.yaml", "kind %s is no application", loaded.Kind)
		} else if generic.Name != filepath.Base(folder) {
			r.complain(folder+"/app.pipecd.yaml", "spec.name is %q, not the folder's name", generic.Name)
		} else {
			r.apps = append(r.apps, a)
		}
	}
}

// load decodes a file as PipeCD does, and rejects the keys that PipeCD ignores.
func (r *repository) load(file string) (*config.Config, bool) {
	data, err := os.ReadFile(filepath.Join(r.root, file))
	if err != nil {
		r.complain(file, "%v", err)
		return nil, false
	}
	loaded, err := config.DecodeYAML(data)
	if err != nil {
		r.complain(file, "PipeCD refuses it: %v", err)
		return nil, false
	}
	unknown := unknownKeys(data, loaded)
	for _, key := range unknown {
		r.complain(file, "PipeCD knows no key %s", key)
	}
	return loaded, len(unknown) == 0
}

// name returns NAME of a folder handson-api-NAME.
func (a app) name() string { return strings.TrimPrefix(filepath.Base(a.folder), "handson-api-") }
