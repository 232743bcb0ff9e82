/**
 * What a client sends whose types openapi-typescript made from the service's schema; test_generated_typescript.py
 * lays `schema.d.ts` beside it, checks its types and runs it: `node generated_client.mts URL WHAT FILE`.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

type Form = { file: string };
type Timeline = components["schemas"]["TimelineBody"];
type Job = components["schemas"]["JobWithSegments"];

const [url, what, path] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: url });

/** A file as a form; openapi-typescript says `string` of binary content, fetch takes a `FormData`. */
async function form(): Promise<Form> {
  const body = new FormData();
  body.append("file", new Blob([await readFile(path)]), basename(path));
  return body as unknown as Form;
}

/** What a request gave, or an error that holds the problem. */
function given<T>({ data, error }: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (data === undefined) throw new Error(`${error?.code}: ${error?.detail}`);
  return data;
}

/** A timeline; a route that answers in several formats has them all in its answer's type. */
function asTimeline(answer: object | string): Timeline {
  if (typeof answer === "string" || !("segments" in answer)) throw new Error("This is no timeline.");
  return answer as Timeline;
}

/** The job, as soon as it has ended. */
async function ended(id: string): Promise<Job> {
  for (;;) {
    const job = given(await client.GET("/jobs/{id}", { params: { path: { id } } }));
    if (job.state !== "queued" && job.state !== "running") return job;
    await pause(50);
  }
}

async function predict() {
  const { predicted_class_name, media } = given(await client.POST("/predict", { body: await form() }));
  return { predicted_class_name, kind: media.kind };
}

async function timeline() {
  const query = { stride: 0.2, return_windows: true };
  const answer = given(await client.POST("/timeline", { params: { query }, body: await form() }));
  const { transcript, windows } = asTimeline(answer);
  return { transcript, second_window_at: windows?.[1]?.start_time };
}

async function job() {
  const { id } = given(await client.POST("/jobs/timeline", { body: await form() }));
  const { state, progress } = await ended(id);
  const path = { id };
  const { transcript } = asTimeline(given(await client.GET("/jobs/{id}/result", { params: { path } })));
  const query = { format: "vtt" as const };
  const vtt = await client.GET("/jobs/{id}/result", { params: { path, query }, parseAs: "text" });
  return { state, progress, transcript, vtt: given(vtt) };
}

async function problem() {
  const query = { model: "nobody" };
  const { error, response } = await client.POST("/predict", { params: { query }, body: await form() });
  return { type: response.headers.get("content-type"), code: error?.code, status: error?.status };
}

const asked = { predict, timeline, job, problem }[what];
if (asked === undefined) throw new Error(`There is no ${what} here.`);
console.log(JSON.stringify(await asked()));
