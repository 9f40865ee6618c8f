use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::id;
use shared::ids::OrgId;
use utoipa::ToSchema;

use crate::cargo::CargoEvent;

id!(
    /// Names one capture of EPCIS events.
    CaptureId
);

/// The most events of one capture.
pub const MAX_EVENTS: usize = 1000;

/// What an event is about, by the standard's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[sqlx(type_name = "cargo_epcis_type")]
pub enum EpcisType {
    ObjectEvent,
    AggregationEvent,
    AssociationEvent,
    TransformationEvent,
    TransactionEvent,
}

impl EpcisType {
    pub const ALL: [Self; 5] = [
        Self::ObjectEvent,
        Self::AggregationEvent,
        Self::AssociationEvent,
        Self::TransformationEvent,
        Self::TransactionEvent,
    ];

    /// The name used in JSON and SQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ObjectEvent => "ObjectEvent",
            Self::AggregationEvent => "AggregationEvent",
            Self::AssociationEvent => "AssociationEvent",
            Self::TransformationEvent => "TransformationEvent",
            Self::TransactionEvent => "TransactionEvent",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The standard's actions.
pub const ACTIONS: [&str; 3] = ["ADD", "OBSERVE", "DELETE"];

/// What an EPC, or a class of them, is to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Epc,
    Parent,
    Input,
    Output,
    Class,
    InputClass,
    OutputClass,
}

impl Role {
    /// The name used in SQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epc => "epc",
            Self::Parent => "parent",
            Self::Input => "input",
            Self::Output => "output",
            Self::Class => "class",
            Self::InputClass => "input_class",
            Self::OutputClass => "output_class",
        }
    }
}

/// An event that can be kept, with what it is found by.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub event_id: String,
    pub kind: EpcisType,
    pub action: Option<String>,
    pub event_time: DateTime<Utc>,
    /// Whether it takes back the event of the same id.
    pub declares_error: bool,
    pub corrective_ids: Vec<String>,
    pub biz_step: Option<String>,
    pub disposition: Option<String>,
    pub read_point: Option<String>,
    pub biz_location: Option<String>,
    /// Sorted, each once.
    pub epcs: Vec<(Role, String)>,
    /// As it was sent.
    pub raw: Box<RawValue>,
    /// Whether it brought a context, of its own or of its document.
    pub has_context: bool,
    /// The members that are kept in another form than they were sent: a JSON object.
    pub changes: String,
    /// What it says about a shipment.
    pub cargo: Option<CargoEvent>,
}

/// One thing that is wrong with an event or a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EpcisFault)]
pub struct Fault {
    /// A JSON pointer into the body, such as `/epcisBody/eventList/3/eventTime`.
    pub pointer: String,
    pub detail: String,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EpcisOutcome)]
pub enum Outcome {
    Accepted,
    /// One of this id is there already.
    Duplicate,
    Rejected,
    /// It was fit, and another one of the capture was not.
    RolledBack,
}

/// What became of one event of a capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EpcisVerdict)]
pub struct Verdict {
    /// Its place in the event list, from 0.
    #[schema(minimum = 0)]
    pub index: u32,
    pub outcome: Outcome,
    /// Its own, or the standard's hash.
    #[serde(rename = "eventID", default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The shipment whose log has it as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<String>,
    /// Of a rejected one: what is wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// What a capture does when one of its events is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "cargo_epcis_error_behaviour", rename_all = "snake_case")]
#[schema(as = CaptureErrorBehaviour)]
pub enum ErrorBehaviour {
    /// It takes the others.
    #[default]
    Proceed,
    /// It takes none.
    Rollback,
}

/// A capture as it is kept.
#[derive(Clone, Debug)]
pub struct Capture {
    pub id: CaptureId,
    pub org: OrgId,
    pub created_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub error_behaviour: ErrorBehaviour,
    pub verdicts: Vec<Verdict>,
}

/// An event as it is shown: with its context, when it was recorded, and what declares it to be wrong.
#[derive(Clone, Debug)]
pub struct KeptEvent {
    pub id: i64,
    pub event_time: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    pub json: Box<RawValue>,
}

/// By which time events are put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderBy {
    #[default]
    EventTime,
    RecordTime,
}

/// In which order events are shown: without a wish, from the earliest `eventTime` to the latest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventOrder {
    pub by: OrderBy,
    /// From the latest to the earliest.
    pub is_descending: bool,
}

impl EventOrder {
    /// The time of an event that its place in this order follows from.
    #[must_use]
    pub const fn time_of(self, event: &KeptEvent) -> DateTime<Utc> {
        match self.by {
            OrderBy::EventTime => event.event_time,
            OrderBy::RecordTime => event.recorded_at,
        }
    }
}

/// Where a page of events begins: after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The time that the order goes by.
    pub at: DateTime<Utc>,
    pub id: i64,
}

/// What events are asked for. Of a list that is not empty one must fit; everything given must.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    pub types: Vec<EpcisType>,
    pub event_time_from: Option<DateTime<Utc>>,
    pub event_time_before: Option<DateTime<Utc>>,
    pub record_time_from: Option<DateTime<Utc>>,
    pub record_time_before: Option<DateTime<Utc>>,
    pub actions: Vec<String>,
    pub biz_steps: Vec<String>,
    pub dispositions: Vec<String>,
    pub read_points: Vec<String>,
    pub biz_locations: Vec<String>,
    pub event_ids: Vec<String>,
    /// Only declarations.
    pub declares_error: bool,
    pub corrective_ids: Vec<String>,
    /// Each asks that one of the EPCs is there in one of the roles.
    pub matches: Vec<EpcMatch>,
    pub order: EventOrder,
}

/// EPCs of which one must be in an event, in one of the roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpcMatch {
    pub epcs: Vec<String>,
    pub roles: &'static [Role],
}
