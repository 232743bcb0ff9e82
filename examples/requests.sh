#!/bin/sh
# Every route of the service with curl, on one short clip; lines to copy.
#
#   SIGN_URL=http://127.0.0.1:8000 SIGN_KEY=… sh examples/requests.sh [clip.mp4]
set -eu

url=${SIGN_URL:-http://127.0.0.1:8000}
clip=${1:-"$(dirname "$0")/../samples/word_fly_right_tan.mp4"}
key=${SIGN_KEY:-none}

ask() {
    printf '\n# %s\n' "$*"
    curl --silent --show-error --fail-with-body --header "Authorization: Bearer $key" "$@"
    echo
}

# Is it there, and ready?
ask "$url/healthz"
ask "$url/readyz"

# Which models are there, and what does one know?
ask "$url/models"
ask "$url/models/asl-letters"

# One answer for a part of a video; the body is the file itself, or a form.
ask --data-binary "@$clip" "$url/predict?start_time=0&clip_duration=1.2&top_k=3"
ask --form "file=@$clip" --form model=asl-letters --form return_probabilities=true "$url/predict?clip_duration=1.2"

# What is signed when: as JSON, as captions, for ELAN.
ask --data-binary "@$clip" "$url/timeline"
ask --data-binary "@$clip" "$url/timeline?format=vtt"
ask --data-binary "@$clip" --header "Accept: text/csv" "$url/timeline"

# The moments that stand out in a face: as JSON, and as a table of each sample.
ask --data-binary "@$clip" "$url/highlights?return_series=true"
ask --data-binary "@$clip" "$url/highlights?format=csv"

# The same as a job, which outlives the service: submit, follow, fetch, forget.
job=$(curl --silent --show-error --fail-with-body --header "Authorization: Bearer $key" \
    --header "Idempotency-Key: requests-$$" --data-binary "@$clip" "$url/jobs/timeline" --dump-header - --output /dev/null |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
ask --no-buffer "$url$job/events"
ask "$url$job"
ask "$url$job/result"
ask "$url$job/result?format=srt"
ask "$url/jobs?limit=5"
ask --request DELETE "$url$job"

# What went wrong is said in one shape (problem+json).
printf '\n# an unknown model\n'
curl --silent --show-error --header "Authorization: Bearer $key" --data-binary "@$clip" "$url/predict?model=no-such-model"
echo
