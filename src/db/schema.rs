//! The tables, as Diesel knows them; one description for both databases. Ids, enums and JSON are text, times are UTC
//! without a zone.

#![expect(missing_docs, reason = "the migrations explain the columns")]

diesel::table! {
    agents (id) {
        id -> Text,
        name -> Text,
        display_name -> Text,
        address -> Text,
        role -> Text,
        created_at -> Timestamp,
        disabled_at -> Nullable<Timestamp>,
        password_hash -> Nullable<Text>,
        presence -> Text,
        presence_since -> Nullable<Timestamp>,
    }
}

diesel::table! {
    console_sessions (id) {
        id -> Text,
        agent_id -> Text,
        token_hash -> Text,
        address -> Text,
        user_agent -> Text,
        created_at -> Timestamp,
        seen_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Text,
        name -> Text,
        prefix -> Text,
        secret_hash -> Text,
        scopes -> Text,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> Timestamp,
        actor_kind -> Text,
        actor -> Text,
        action -> Text,
        subject -> Nullable<Text>,
        detail -> Text,
    }
}

diesel::table! {
    calls (id) {
        id -> Text,
        stage -> Text,
        status -> Text,
        bridge -> Text,
        caller_id -> Text,
        agent_caller_id -> Text,
        agent -> Text,
        customer -> Text,
        room -> Text,
        conference_sid -> Nullable<Text>,
        ring_timeout_secs -> Integer,
        time_limit_secs -> Integer,
        holder -> Text,
        next_in -> Nullable<Text>,
        dial_ended -> Bool,
        pending_words -> Nullable<Text>,
        ended_by -> Nullable<Text>,
        ended_by_certain -> Bool,
        end_reason -> Nullable<Text>,
        end_code -> Nullable<Text>,
        end_detail -> Nullable<Text>,
        created_at -> Timestamp,
        connected_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    call_requests (call_id) {
        call_id -> Text,
        api_key_id -> Text,
        external_id -> Nullable<Text>,
        unique_external_id -> Nullable<Text>,
        metadata -> Nullable<Text>,
    }
}

diesel::table! {
    idempotency_keys (api_key_id, key) {
        api_key_id -> Text,
        key -> Text,
        request_hash -> Text,
        claim -> Text,
        claimed_until -> Timestamp,
        status -> Nullable<Integer>,
        headers -> Nullable<Text>,
        body -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    do_not_call (number) {
        number -> Text,
        reason -> Text,
        added_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    legs (id) {
        id -> Text,
        call_id -> Text,
        position -> Integer,
        role -> Text,
        address -> Text,
        name -> Text,
        agent_id -> Nullable<Text>,
        call_sid -> Nullable<Text>,
        parent_call_sid -> Nullable<Text>,
        status -> Text,
        sequence -> Nullable<BigInt>,
        failure -> Nullable<Text>,
        failure_detail -> Nullable<Text>,
        twilio_code -> Nullable<Integer>,
        in_room -> Bool,
        room_sequence -> Nullable<BigInt>,
        ends_room -> Bool,
        gone -> Bool,
        transfer_id -> Nullable<Text>,
        sent_to -> Text,
        on_hold -> Bool,
        muted -> Bool,
        monitor -> Nullable<Text>,
        end_wanted -> Bool,
        answered_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    transfers (id) {
        id -> Text,
        call_id -> Text,
        position -> Integer,
        leg_id -> Text,
        style -> Text,
        ring -> Text,
        require_accept -> Bool,
        taken -> Bool,
        completing -> Bool,
        recall -> Bool,
        briefing -> Nullable<Text>,
        status -> Text,
        failure -> Nullable<Text>,
        failure_detail -> Nullable<Text>,
        twilio_code -> Nullable<Integer>,
        caller_id -> Text,
        ring_timeout_secs -> Integer,
        requested_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    events (id) {
        id -> BigInt,
        call_id -> Text,
        at -> Timestamp,
        kind -> Text,
        leg_id -> Nullable<Text>,
        detail -> Text,
        position -> Nullable<BigInt>,
    }
}

diesel::table! {
    event_feed (id) {
        id -> Integer,
        last_position -> BigInt,
    }
}

diesel::table! {
    webhooks (id) {
        id -> BigInt,
        received_at -> Timestamp,
        call_id -> Nullable<Text>,
        method -> Text,
        path_and_query -> Text,
        form -> Text,
        idempotency_token -> Nullable<Text>,
        arrival -> Nullable<Text>,
        answer_status -> Nullable<Integer>,
        answer -> Nullable<Text>,
        answered_ms -> Nullable<Integer>,
    }
}

diesel::table! {
    standings (id) {
        id -> BigInt,
        call_id -> Text,
        at -> Timestamp,
        people -> Text,
    }
}

diesel::table! {
    twilio_requests (id) {
        id -> BigInt,
        call_id -> Text,
        command_id -> Nullable<Text>,
        sent_at -> Timestamp,
        duration_ms -> Integer,
        method -> Text,
        path -> Text,
        form -> Nullable<Text>,
        status -> Nullable<Integer>,
        body -> Nullable<Text>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    commands (id) {
        id -> Text,
        call_id -> Text,
        leg_id -> Nullable<Text>,
        kind -> Text,
        payload -> Text,
        status -> Text,
        attempts -> Integer,
        uncertain -> Bool,
        claimed_by -> Nullable<Text>,
        due_at -> Timestamp,
        outcome -> Nullable<Text>,
        created_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    outcomes (call_id) {
        call_id -> Text,
        disposition -> Text,
        notes -> Nullable<Text>,
        set_by -> Text,
        set_at -> Timestamp,
    }
}

diesel::table! {
    dial_queue (call_id) {
        call_id -> Text,
        api_key_id -> Text,
        round -> BigInt,
    }
}

diesel::table! {
    pacing (id) {
        id -> Integer,
        next_at -> Timestamp,
        round -> BigInt,
    }
}

diesel::table! {
    timers (id) {
        id -> Text,
        call_id -> Text,
        timer -> Text,
        due_at -> Timestamp,
    }
}

diesel::table! {
    webhook_endpoints (id) {
        id -> Text,
        url -> Text,
        description -> Text,
        events -> Text,
        secrets -> Text,
        enabled -> Bool,
        disabled_at -> Nullable<Timestamp>,
        disabled_reason -> Nullable<Text>,
        failing_since -> Nullable<Timestamp>,
        created_at -> Timestamp,
        created_by -> Text,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> BigInt,
        endpoint_id -> Text,
        message_id -> Text,
        kind -> Text,
        cause -> Text,
        position -> Nullable<BigInt>,
        call_id -> Nullable<Text>,
        body -> Text,
        state -> Text,
        attempts -> Integer,
        claimed_by -> Nullable<Text>,
        due_at -> Timestamp,
        last_status -> Nullable<Integer>,
        last_error -> Nullable<Text>,
        created_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    agents,
    api_keys,
    audit_log,
    call_requests,
    calls,
    commands,
    console_sessions,
    do_not_call,
    event_feed,
    events,
    legs,
    outcomes,
    standings,
    timers,
    transfers,
    twilio_requests,
    webhook_deliveries,
    webhook_endpoints,
    webhooks
);
