#!/bin/sh
# One call, transferred, with its outcome. Needs curl and jq; WARM_TRANSFER_URL and WARM_TRANSFER_KEY say where and as whom.
set -eu
deal="deal-$(date +%s)" # a record of yours; what is asked for on its behalf is named after it

# ask METHOD PATH [JSON [KEY]]: prints the answer. curl repeats what may pass (429, 503) and waits as Retry-After says; under
# one Idempotency-Key that does nothing twice.
ask() {
    method=$1 url=$WARM_TRANSFER_URL/api/v1$2 body=${3:-} key=${4:-}
    set -- --silent --show-error --fail-with-body --retry 8 --request "$method" --header "Authorization: Bearer $WARM_TRANSFER_KEY"
    if [ "$body" ]; then set -- "$@" --header 'Content-Type: application/json' --data "$body"; fi
    if [ "$key" ]; then set -- "$@" --header "Idempotency-Key: $key"; fi
    curl "$@" "$url"
}

# wait_until FILTER: looks at the call until this is true of it.
wait_until() {
    while call=$(ask GET "/calls/$id") && ! printf '%s' "$call" | jq --exit-status "$1" >/dev/null; do
        if printf '%s' "$call" | jq --exit-status '.status == "ended"' >/dev/null; then
            echo "the call has ended: $(printf '%s' "$call" | jq -r '.end_reason')" >&2
            exit 1
        fi
        sleep 0.5
    done
}

call=$(ask POST /calls '{"agent": "agent:alice", "customer": "+15550100199", "external_id": "'"$deal"'"}' "$deal-call")
id=$(printf '%s' "$call" | jq -r .id)
echo "placed $id"
wait_until '.status == "connected"'
echo "agent and customer talk"

ask POST "/calls/$id/transfer" '{"to": "agent:dana", "briefing": "Asks about the annual plan."}' "$deal-transfer" >/dev/null
wait_until '.transfers[-1].status == "joined"'
echo "all three talk"
ask POST "/calls/$id/transfer/complete" '' "$deal-complete" >/dev/null
wait_until '.transfers[-1].status == "completed"'
echo "the first agent has left"

ask POST "/calls/$id/hangup" '' "$deal-hangup" >/dev/null
wait_until '.status == "ended"'
call=$(ask PUT "/calls/$id/outcome" '{"disposition": "appointment", "notes": "Dana calls back on Monday."}')
printf '%s' "$call" |
    jq -r '"transfer \(.transfers[-1].status), ended by \(.ended_by), outcome \(.outcome.disposition)"'
