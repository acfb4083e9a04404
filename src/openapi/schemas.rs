//! Schemas of values that read and write themselves: exact, so that what they allow is taken and nothing else.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Display;

use strum::{EnumMessage, IntoEnumIterator};
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::audit::models::ActorKind;
use crate::calls::flow::{
    Bridge, CallStatus, Control, EndReason, Failure, LegStatus, Monitor, Party, Ring, Role, Style,
    TransferStatus,
};
use crate::calls::forms::{Destination, Destinations, Moment, ParticipantControl, Secs, Text};
use crate::crm::webhooks::forms::{Kinds, OverlapHours};
use crate::crm::webhooks::models::DeliveryState;
use crate::error::ErrorCode;
use crate::telephony::{Address, CallSid, ConferenceSid, PhoneNumber};

/// The name of [`Problem`] in the document.
pub const PROBLEM: &str = "Problem";

/// What every error answers (RFC 9457, `application/problem+json`).
#[derive(ToSchema)]
#[expect(dead_code, reason = "it stands for what `AppError` writes, in the document only")]
pub struct Problem {
    /// Leads to what the code means and what to do about it.
    #[schema(format = "uri-reference", examples("/api/docs/errors#call_ended"))]
    r#type: String,
    /// What the code means, for people.
    #[schema(examples("The call has ended"))]
    title: String,
    /// The answer's status, once more.
    #[schema(minimum = 400, maximum = 599, examples(409))]
    status: u16,
    /// What went wrong, for programs: these never change their meaning.
    code: ErrorCode,
    /// More about this case, for people.
    #[schema(nullable = false)]
    detail: Option<String>,
    /// The field that it is about: of the body, a parameter of the address, or a header.
    #[schema(nullable = false)]
    field: Option<String>,
    /// The other call that stands in the way.
    #[schema(nullable = false)]
    call_id: Option<uuid::Uuid>,
    /// From when on it would be allowed, where that is known.
    #[schema(nullable = false)]
    next_allowed_at: Option<chrono::DateTime<chrono::Utc>>,
    /// The request's id in the service's log.
    #[schema(nullable = false)]
    request_id: Option<uuid::Uuid>,
}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        text().enum_values(Some(ErrorCode::iter().map(|code| code.entry().0))).into()
    }
}

impl ToSchema for ErrorCode {}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

/// One of a closed list of words, each with its meaning.
fn words<T: IntoEnumIterator + Display + EnumMessage>(description: &str) -> RefOr<Schema> {
    let meaning = |word: T| match word.get_documentation() {
        Some(meaning) => format!("* `{word}`: {meaning}"),
        None => format!("* `{word}`"),
    };
    let meanings: Vec<String> = T::iter().map(meaning).collect();
    text()
        .description(Some(format!("{description}\n\n{}", meanings.join("\n"))))
        .enum_values(Some(T::iter().map(|word| word.to_string())))
        .into()
}

macro_rules! words {
    ($($name:ident $description:literal;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                words::<$name>($description)
            }
        }
        impl ToSchema for $name {}
    )*};
}

words! {
    CallStatus "Where a call stands.";
    LegStatus "How far a leg is: Twilio's words, after the two that come before Twilio knows of it.";
    TransferStatus "Where a transfer stands.";
    Failure "Why a leg or a transfer came to nothing.";
    Monitor "What a supervisor does in the room.";
    Role "What a leg is for.";
    Bridge "How first agent and customer are joined.";
    Style "How a second agent is brought in.";
    Ring "In which order several second agents are rung.";
    Party "Who ended a call.";
    EndReason "Why a call ended.";
    DeliveryState "What has become of a delivery.";
    ActorKind "What sort of somebody made a change.";
}

macro_rules! texts {
    ($($type:ident $description:literal $pattern:literal $max:literal $example:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let max: usize = $max;
                let schema = text().description(Some($description)).pattern(Some($pattern));
                schema.max_length(Some(max)).examples([$example]).into()
            }
        }
        impl ToSchema for $type {}
    )*};
}

texts! {
    PhoneNumber "A phone number in E.164."
        "^\\+[1-9][0-9]{6,14}$" 16 "+15550100123";
    Address "A phone number in E.164, `client:name` for a Voice SDK device, or `sip:user@host`."
        "^(\\+[1-9][0-9]{6,14}|client:[A-Za-z0-9_]{1,121}|sips?:[!#-;=?A-~]+@[!#-;=?-~]+)$" 255 "+15550100123";
    CallSid "Twilio's name for a call." "^CA[0-9a-fA-F]{32}$" 34 "CA00000000000000000000000000000001";
    ConferenceSid "Twilio's name for a conference." "^CF[0-9a-fA-F]{32}$" 34 "CF00000000000000000000000000000001";
}

impl PartialSchema for Destination {
    fn schema() -> RefOr<Schema> {
        let agent = text().description(Some("Somebody in the directory.")).pattern(Some("^agent:[^\\x00]+$"));
        AnyOfBuilder::new()
            .item(Ref::from_schema_name(Address::name()))
            .item(agent.examples(["agent:dana"]))
            .description(Some("Whom to ring: an address, or `agent:name` for somebody in the directory."))
            .into()
    }
}

impl ToSchema for Destination {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Address::name().into_owned(), Address::schema()));
    }
}

impl PartialSchema for Destinations {
    fn schema() -> RefOr<Schema> {
        let one = Ref::from_schema_name(Destination::name());
        let many = utoipa::openapi::ArrayBuilder::new()
            .items(one.clone())
            .min_items(Some(1))
            .max_items(Some(10))
            .description(Some("Several to choose from, each of them once."));
        AnyOfBuilder::new().item(one).item(many).into()
    }
}

impl ToSchema for Destinations {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Destination::name().into_owned(), Destination::schema()));
        Destination::schemas(schemas);
    }
}

impl PartialSchema for ParticipantControl {
    fn schema() -> RefOr<Schema> {
        let words = Control::iter().map(|control| control.to_string()).chain(["remove".to_owned()]);
        text().enum_values(Some(words)).into()
    }
}

impl ToSchema for ParticipantControl {}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        text()
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2027-01-31T09:00:00Z"])
            .into()
    }
}

impl ToSchema for Moment {}

/// Types of events, and beginnings of them.
impl PartialSchema for Kinds {
    fn schema() -> RefOr<Schema> {
        let known = || crate::crm::kinds::KINDS.iter().map(|(kind, _)| *kind);
        let groups = known().filter_map(|kind| kind.split_once('.')).map(|(group, _)| format!("{group}.*"));
        let patterns: BTreeSet<String> =
            groups.chain(known().map(str::to_owned)).chain(["*".into()]).collect();
        let items = text().enum_values(Some(patterns));
        utoipa::openapi::ArrayBuilder::new().items(items).max_items(Some(50)).into()
    }
}

impl ToSchema for Kinds {}

impl PartialSchema for OverlapHours {
    fn schema() -> RefOr<Schema> {
        Secs::<0, 168>::schema()
    }
}

impl ToSchema for OverlapHours {}

impl<const MIN: u32, const MAX: u32> PartialSchema for Secs<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Integer))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(MIN))
            .maximum(Some(MAX))
            .into()
    }
}

impl<const MIN: u32, const MAX: u32> ToSchema for Secs<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        format!("Number{MIN}To{MAX}").into()
    }
}

impl<const MAX: usize> PartialSchema for Text<MAX> {
    fn schema() -> RefOr<Schema> {
        text().max_length(Some(MAX)).pattern(Some("^[^\\x00]*$")).into()
    }
}

impl<const MAX: usize> ToSchema for Text<MAX> {
    fn name() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }
}
