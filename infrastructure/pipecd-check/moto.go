package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"time"
)

const motoTimeout = 60 * time.Second

// startMoto starts moto_server, which stands in for AWS, on a free port. It returns the address, and a function that
// stops the server.
func startMoto() (string, func(), error) {
	program, err := exec.LookPath("moto_server")
	if err != nil {
		return "", nil, errors.New("moto_server is not on the PATH: install requirements.txt, see README.md")
	}
	// The port is free until moto_server listens on it. Another program can take it in between; then the loop below fails.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address := listener.Addr().(*net.TCPAddr)
	listener.Close()

	var output bytes.Buffer
	server := exec.Command(program, "--host", "127.0.0.1", "--port", fmt.Sprint(address.Port))
	server.Stdout, server.Stderr = &output, &output
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	stop := func() {
		_ = server.Process.Kill()
		<-ended
	}
	endpoint := "http://" + address.String()
	for deadline := time.Now().Add(motoTimeout); time.Now().Before(deadline); {
		if answer, err := http.Get(endpoint + "/moto-api/"); err == nil {
			answer.Body.Close()
			return endpoint, stop, nil
		}
		select {
		case err := <-ended:
			return "", nil, fmt.Errorf("moto_server ended: %v\n%s", err, output.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	stop()
	return "", nil, fmt.Errorf("moto_server does not respond within %v", motoTimeout)
}
