//! Why an act on a return is refused, as clients are told.

use jobs::returns::ActError;
use market::returns::rules::ReturnRefusal;
use market::returns::store::ReturnError;

use crate::error::Problem;

impl From<ReturnError> for Problem {
    fn from(error: ReturnError) -> Self {
        match error {
            ReturnError::NotFound => Self::not_found("return"),
            ReturnError::Refused(refusal) => refused(refusal, &[]),
            ReturnError::Escrow(error) => error.into(),
            ReturnError::Stock(error) => error.into(),
            ReturnError::Invalid(invalid) => invalid.into(),
            ReturnError::Money(error) => Self::internal(error),
            ReturnError::Sql(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Return(error) => error.into(),
            ActError::Enqueue(error) => error.into(),
            ActError::Mail(error) => error.into(),
        }
    }
}

/// Why not; `lines` are those of the body, whose fields are named.
fn refused(refusal: ReturnRefusal, lines: &[i16]) -> Problem {
    let text = refusal.to_string();
    let at = |line: i16, field: &str| {
        let place = lines.iter().rposition(|named| *named == line);
        place.map_or_else(|| "/lines".to_owned(), |place| format!("/lines/{place}/{field}"))
    };
    let unusable = |pointer: String| {
        Problem::unprocessable("invalid_value", "the lines are not possible").at(pointer, text.clone())
    };
    match refusal {
        ReturnRefusal::NotDelivered => Problem::conflict("not_delivered", text),
        ReturnRefusal::Disputed => Problem::conflict("escrow_frozen", text),
        ReturnRefusal::OrderStatus(_) => Problem::conflict("order_status", text),
        ReturnRefusal::TooLate { .. } => Problem::conflict("return_too_late", text),
        ReturnRefusal::Status(_) => Problem::conflict("return_status", text),
        ReturnRefusal::NothingLeft { line } => {
            Problem::conflict("nothing_to_return", text.clone()).at(at(line, "line"), text)
        }
        ReturnRefusal::NoLine | ReturnRefusal::NoDisposition(_) => unusable("/lines".to_owned()),
        ReturnRefusal::UnknownLine(line) | ReturnRefusal::TwiceNamed(line) => unusable(at(line, "line")),
        ReturnRefusal::Quantity { line, .. } => unusable(at(line, "quantity")),
    }
}

/// [`Problem::from`], with the fields of the body's lines.
pub(super) fn in_lines(error: ActError, lines: &[i16]) -> Problem {
    match error {
        ActError::Return(ReturnError::Refused(refusal)) => refused(refusal, lines),
        error => error.into(),
    }
}
