//! Queries by the standard's parameters (EPCIS 2.0, section 8.2.7.1).

use chrono::{DateTime, Utc};

use super::check;
use super::epc::canonical;
use super::judge::normal;
use super::uri::{MAX_URI, is_uri};
use super::vocabulary::Vocabulary;
use crate::epcis::model::{ACTIONS, EpcMatch, EpcisType, EventQuery, OrderBy, Role};

/// The most values of one parameter.
const MAX_VALUES: usize = 50;

/// The parameters that choose events, by the standard's names. Values of one are separated by `|`.
pub const PARAMETERS: [&str; 26] = [
    "eventType",
    "GE_eventTime",
    "LT_eventTime",
    "GE_recordTime",
    "LT_recordTime",
    "EQ_action",
    "EQ_bizStep",
    "EQ_disposition",
    "EQ_readPoint",
    "EQ_bizLocation",
    "EQ_eventID",
    "EXISTS_errorDeclaration",
    "EQ_correctiveEventID",
    "MATCH_epc",
    "MATCH_parentID",
    "MATCH_inputEPC",
    "MATCH_outputEPC",
    "MATCH_anyEPC",
    "MATCH_epcClass",
    "MATCH_inputEPCClass",
    "MATCH_outputEPCClass",
    "MATCH_anyEPCClass",
    ORDER_BY,
    ORDER_DIRECTION,
    PER_PAGE,
    NEXT_PAGE,
];

/// The parameters that put events in order.
const ORDER_BY: &str = "orderBy";
const ORDER_DIRECTION: &str = "orderDirection";

/// The parameters of paging.
pub const PER_PAGE: &str = "perPage";
pub const NEXT_PAGE: &str = "nextPageToken";

/// A parameter that cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {detail}")]
pub struct BadParameter {
    pub name: String,
    pub detail: String,
    /// Whether the fault is in the value; otherwise there is no such parameter, or it is given twice.
    pub is_value: bool,
}

/// Reads the parameters that choose events; those of paging are left to the caller.
pub fn query<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<EventQuery, BadParameter> {
    let mut query = EventQuery::default();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in pairs {
        let bad = |is_value, detail| BadParameter { name: name.chars().take(60).collect(), detail, is_value };
        if !PARAMETERS.contains(&name) {
            return Err(bad(false, format!("unknown; expected of {}", PARAMETERS.join(", "))));
        }
        if seen.contains(&name) {
            return Err(bad(false, "is given twice; separate several values by |".to_owned()));
        }
        seen.push(name);
        read(&mut query, name, value).map_err(|detail| bad(true, detail))?;
    }
    match (seen.contains(&ORDER_BY), seen.contains(&ORDER_DIRECTION)) {
        // The standard's default for an order that is asked for.
        (true, false) => query.order.is_descending = true,
        (false, true) => {
            let detail = format!("is of no use without {ORDER_BY}");
            return Err(BadParameter { name: ORDER_DIRECTION.to_owned(), detail, is_value: true });
        }
        _ => {}
    }
    Ok(query)
}

/// What narrows a query to events below one resource of the standard's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    EventType(&'a str),
    Epc(&'a str),
    BizStep(&'a str),
}

/// Narrows a query; `None` if there is no such resource, or the query asks for another one beside it, which no event fits.
#[must_use]
pub fn below(mut query: EventQuery, resource: Resource<'_>) -> Option<EventQuery> {
    match resource {
        Resource::EventType(name) => {
            let kind = EpcisType::named(name)?;
            if !query.types.is_empty() && !query.types.contains(&kind) {
                return None;
            }
            query.types = vec![kind];
        }
        Resource::Epc(epc) => {
            if epc.len() > MAX_URI || !is_uri(epc) || epc.starts_with("urn:epc:idpat:") {
                return None;
            }
            query.matches.push(EpcMatch { epcs: vec![canonical(epc)], roles: roles("MATCH_anyEPC")? });
        }
        Resource::BizStep(step) => {
            let [step] = <[String; 1]>::try_from(words(step, Vocabulary::BizStep).ok()?).ok()?;
            if !query.biz_steps.is_empty() && !query.biz_steps.contains(&step) {
                return None;
            }
            query.biz_steps = vec![step];
        }
    }
    Some(query)
}

fn read(query: &mut EventQuery, name: &str, value: &str) -> Result<(), String> {
    match name {
        "eventType" => {
            let known = || EpcisType::ALL.map(EpcisType::name).join(", ");
            let named = |name: &str| EpcisType::named(name).ok_or_else(|| format!("expected of {}", known()));
            query.types = values(value)?.map(named).collect::<Result<_, _>>()?;
        }
        "GE_eventTime" => query.event_time_from = Some(time(value)?),
        "LT_eventTime" => query.event_time_before = Some(time(value)?),
        "GE_recordTime" => query.record_time_from = Some(time(value)?),
        "LT_recordTime" => query.record_time_before = Some(time(value)?),
        "EQ_action" => {
            let known =
                |word: &str| ACTIONS.contains(&word).then(|| word.to_owned()).ok_or("expected of ADD, OBSERVE, DELETE");
            query.actions = values(value)?.map(known).collect::<Result<_, _>>()?;
        }
        "EQ_bizStep" => query.biz_steps = words(value, Vocabulary::BizStep)?,
        "EQ_disposition" => query.dispositions = words(value, Vocabulary::Disposition)?,
        "EQ_readPoint" => query.read_points = uris(value)?.map(|uri| canonical(&uri)).collect(),
        "EQ_bizLocation" => query.biz_locations = uris(value)?.map(|uri| canonical(&uri)).collect(),
        "EQ_eventID" => query.event_ids = uris(value)?.collect(),
        "EXISTS_errorDeclaration" if value == "true" => query.declares_error = true,
        "EXISTS_errorDeclaration" => return Err("expected true; leave it out for all events".to_owned()),
        "EQ_correctiveEventID" => query.corrective_ids = uris(value)?.collect(),
        ORDER_BY => {
            query.order.by = match value {
                "eventTime" => OrderBy::EventTime,
                "recordTime" => OrderBy::RecordTime,
                _ => return Err("expected of eventTime, recordTime".to_owned()),
            };
        }
        ORDER_DIRECTION => {
            query.order.is_descending = match value {
                "ASC" => false,
                "DESC" => true,
                _ => return Err("expected of ASC, DESC".to_owned()),
            };
        }
        name => {
            let Some(roles) = roles(name) else { return Ok(()) };
            let epcs = uris(value)?.map(|uri| (canonical(&uri), uri));
            let epcs = epcs.map(|(epc, uri)| match roles {
                [Role::Class | Role::InputClass | Role::OutputClass, ..] => Ok(epc),
                _ if uri.starts_with("urn:epc:idpat:") => {
                    Err("patterns are not looked for; name the EPC itself".to_owned())
                }
                _ => Ok(epc),
            });
            query.matches.push(EpcMatch { epcs: epcs.collect::<Result<_, _>>()?, roles });
        }
    }
    Ok(())
}

/// Where a parameter looks for EPCs or for classes of them.
fn roles(name: &str) -> Option<&'static [Role]> {
    Some(match name {
        "MATCH_epc" => &[Role::Epc],
        "MATCH_parentID" => &[Role::Parent],
        "MATCH_inputEPC" => &[Role::Input],
        "MATCH_outputEPC" => &[Role::Output],
        "MATCH_anyEPC" => &[Role::Epc, Role::Parent, Role::Input, Role::Output],
        "MATCH_epcClass" => &[Role::Class],
        "MATCH_inputEPCClass" => &[Role::InputClass],
        "MATCH_outputEPCClass" => &[Role::OutputClass],
        "MATCH_anyEPCClass" => &[Role::Class, Role::InputClass, Role::OutputClass],
        _ => return None,
    })
}

fn values(value: &str) -> Result<impl Iterator<Item = &str>, String> {
    if value.split('|').count() > MAX_VALUES {
        return Err(format!("has more than {MAX_VALUES} values"));
    }
    Ok(value.split('|'))
}

fn uris(value: &str) -> Result<impl Iterator<Item = String>, String> {
    let uris: Vec<String> = values(value)?.map(str::to_owned).collect();
    if let Some(wrong) = uris.iter().find(|uri| uri.len() > MAX_URI || !is_uri(uri)) {
        return Err(format!("expected URIs, not {:?}", wrong.chars().take(60).collect::<String>()));
    }
    Ok(uris.into_iter())
}

fn words(value: &str, words: Vocabulary) -> Result<Vec<String>, String> {
    let read = |text: &str| {
        let is_known = words.short(text).is_some() || (is_uri(text) && text.len() <= MAX_URI);
        let shown: String = text.chars().take(60).collect();
        is_known
            .then(|| normal(words, text))
            .ok_or_else(|| format!("{shown:?} is neither a word of the standard nor a URI"))
    };
    values(value)?.map(read).collect()
}

fn time(value: &str) -> Result<DateTime<Utc>, String> {
    // A plus sign that was not encoded has become a space.
    let text = value.replace(' ', "+");
    let at = DateTime::parse_from_rfc3339(&text).ok().filter(|_| check::is_time(&text));
    at.map(|at| at.with_timezone(&Utc))
        .ok_or_else(|| "expected a time with its zone, such as 2026-11-01T08:00:00Z".to_owned())
}
