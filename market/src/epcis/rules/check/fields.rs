//! Which members there are, and what each of them holds.

use crate::epcis::model::EpcisType;
use crate::epcis::rules::vocabulary::Vocabulary;

pub(super) type Field = (&'static str, Kind);

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// What is checked elsewhere.
    Elsewhere,
    Uri,
    Uris,
    EachOnce,
    Time,
    Offset,
    Number,
    Text,
    Boolean,
    Hex,
    Unit,
    Action,
    Word(Vocabulary),
    /// A word that may have any of its forms.
    LongWord(Vocabulary),
    Words(Vocabulary),
    Quantities,
    Quantity,
    Place,
    Transactions,
    Transaction,
    Sources,
    Source,
    Destinations,
    Destination,
    Persistent,
    Sensors,
    Sensor,
    Metadata,
    Reports,
    Report,
    Ilmd,
    Declaration,
    Certificates,
    Context,
}

macro_rules! event {
    ($($name:literal: $kind:expr,)*) => {
        &[
            ("@context", Kind::Elsewhere),
            ("type", Kind::Elsewhere),
            ("eventTime", Kind::Time),
            ("recordTime", Kind::Time),
            ("eventTimeZoneOffset", Kind::Offset),
            ("eventID", Kind::Uri),
            ("certificationInfo", Kind::Certificates),
            ("errorDeclaration", Kind::Declaration),
            ("bizStep", Kind::LongWord(Vocabulary::BizStep)),
            ("disposition", Kind::LongWord(Vocabulary::Disposition)),
            ("readPoint", Kind::Place),
            ("bizLocation", Kind::Place),
            ("bizTransactionList", Kind::Transactions),
            ("sourceList", Kind::Sources),
            ("destinationList", Kind::Destinations),
            ("sensorElementList", Kind::Sensors),
            $(($name, $kind),)*
        ]
    };
}

/// The members of events of a type.
pub(super) const fn of(kind: EpcisType) -> &'static [Field] {
    match kind {
        EpcisType::ObjectEvent => event! {
            "action": Kind::Action,
            "epcList": Kind::EachOnce,
            "quantityList": Kind::Quantities,
            "persistentDisposition": Kind::Persistent,
            "ilmd": Kind::Ilmd,
        },
        EpcisType::AggregationEvent | EpcisType::AssociationEvent => event! {
            "action": Kind::Action,
            "parentID": Kind::Uri,
            "childEPCs": Kind::Uris,
            "childQuantityList": Kind::Quantities,
        },
        EpcisType::TransactionEvent => event! {
            "action": Kind::Action,
            "parentID": Kind::Uri,
            "epcList": Kind::Uris,
            "quantityList": Kind::Quantities,
        },
        EpcisType::TransformationEvent => event! {
            "inputEPCList": Kind::EachOnce,
            "inputQuantityList": Kind::Quantities,
            "outputEPCList": Kind::EachOnce,
            "outputQuantityList": Kind::Quantities,
            "transformationID": Kind::Uri,
            "persistentDisposition": Kind::Persistent,
            "ilmd": Kind::Ilmd,
        },
    }
}

pub(super) const QUANTITY: &[Field] = &[("epcClass", Kind::Uri), ("quantity", Kind::Number), ("uom", Kind::Unit)];
pub(super) const TRANSACTION: &[Field] =
    &[("type", Kind::Word(Vocabulary::TransactionType)), ("bizTransaction", Kind::Uri)];
pub(super) const SOURCE: &[Field] = &[("type", Kind::Word(Vocabulary::PartyType)), ("source", Kind::Uri)];
pub(super) const DESTINATION: &[Field] = &[("type", Kind::Word(Vocabulary::PartyType)), ("destination", Kind::Uri)];
pub(super) const PERSISTENT: &[Field] =
    &[("set", Kind::Words(Vocabulary::Disposition)), ("unset", Kind::Words(Vocabulary::Disposition))];
pub(super) const SENSOR: &[Field] = &[("sensorMetadata", Kind::Metadata), ("sensorReport", Kind::Reports)];
pub(super) const METADATA: &[Field] = &[
    ("time", Kind::Time),
    ("deviceID", Kind::Uri),
    ("deviceMetadata", Kind::Uri),
    ("rawData", Kind::Uri),
    ("startTime", Kind::Time),
    ("endTime", Kind::Time),
    ("dataProcessingMethod", Kind::Uri),
    ("bizRules", Kind::Uri),
];
pub(super) const REPORT: &[Field] = &[
    ("type", Kind::Word(Vocabulary::Measurement)),
    ("exception", Kind::Word(Vocabulary::Alert)),
    ("deviceID", Kind::Uri),
    ("deviceMetadata", Kind::Uri),
    ("rawData", Kind::Uri),
    ("dataProcessingMethod", Kind::Uri),
    ("bizRules", Kind::Uri),
    ("time", Kind::Time),
    ("microorganism", Kind::Uri),
    ("chemicalSubstance", Kind::Uri),
    ("coordinateReferenceSystem", Kind::Uri),
    ("value", Kind::Number),
    ("component", Kind::Word(Vocabulary::Component)),
    ("stringValue", Kind::Text),
    ("booleanValue", Kind::Boolean),
    ("hexBinaryValue", Kind::Hex),
    ("uriValue", Kind::Uri),
    ("minValue", Kind::Number),
    ("maxValue", Kind::Number),
    ("meanValue", Kind::Number),
    ("sDev", Kind::Number),
    ("percRank", Kind::Number),
    ("percValue", Kind::Number),
    ("uom", Kind::Text),
];
pub(super) const DECLARATION: &[Field] = &[
    ("declarationTime", Kind::Time),
    ("reason", Kind::Word(Vocabulary::ErrorReason)),
    ("correctiveEventIDs", Kind::Uris),
];
