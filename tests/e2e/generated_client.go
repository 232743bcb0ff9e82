// What a client sends that openapi-generator made in Go from the service's schema, as the package `sign`;
// test_generated_go.py builds it beside that package and runs it: `generated_client URL WHAT FILE`.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"sign"
)

type answer map[string]any

var (
	client *sign.APIClient
	path   string
	ctx    = context.Background()
)

// must is the value, or the program's end with what went wrong.
func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// given is what a request gave, without the response that it came in.
func given[T any](value T, _ *http.Response, err error) T {
	return must(value, err)
}

// medium is the file, opened; the client closes it.
func medium() *os.File {
	return must(os.Open(path))
}

func predict() answer {
	body := given(client.AnswersAPI.PostPredict(ctx).File(medium()).Execute())
	return answer{"predicted_class_name": body.GetPredictedClassName(), "kind": body.Media.Kind}
}

func timeline() answer {
	asked := client.AnswersAPI.PostTimeline(ctx).File(medium()).Stride(0.2).ReturnWindows(true)
	body := given(asked.Execute())
	return answer{"transcript": body.Transcript, "second_window_at": body.Windows[1].StartTime}
}

// ended is the job, as soon as it has ended.
func ended(id string) *sign.JobWithSegments {
	for {
		job := given(client.JobsAPI.GetJob(ctx, id).Execute())
		if job.State != "queued" && job.State != "running" {
			return job
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func job() answer {
	id := given(client.JobsAPI.PostJobTimeline(ctx).File(medium()).Execute()).Id
	job := ended(id)
	result := given(client.JobsAPI.GetResult(ctx, id).Execute())
	// it parses JSON alone; a file is read from the response itself
	_, response, _ := client.JobsAPI.GetResult(ctx, id).Format("vtt").Execute()
	captions := must(io.ReadAll(response.Body))
	return answer{
		"state": job.State, "progress": job.Progress, "transcript": result.TimelineBody.Transcript, "vtt": string(captions),
	}
}

func problem() answer {
	_, response, err := client.AnswersAPI.PostPredict(ctx).File(medium()).Model("nobody").Execute()
	var failed *sign.GenericOpenAPIError
	if !errors.As(err, &failed) {
		must(0, fmt.Errorf("no error came, but %v", err))
	}
	said := failed.Model().(sign.Problem)
	return answer{"type": response.Header.Get("Content-Type"), "code": said.Code, "status": said.Status}
}

func main() {
	configuration := sign.NewConfiguration()
	configuration.Servers = sign.ServerConfigurations{{URL: os.Args[1]}}
	client, path = sign.NewAPIClient(configuration), os.Args[3]
	asked := map[string]func() answer{"predict": predict, "timeline": timeline, "job": job, "problem": problem}[os.Args[2]]
	fmt.Println(string(must(json.Marshal(asked()))))
}
