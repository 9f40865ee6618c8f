//! What the refusals of auctions look like: who may not, 403; what is not there, 404; what is not in the state for it, 409; what the
//! rules refuse in the request itself, 422.

use market::auctions::rules::{NotAnswered, Refused, RetractRefused};
use market::auctions::store::AuctionError;
use market::checkout::store::CheckoutError;
use shared::money::{Currency, Money};

use crate::error::Problem;

impl From<AuctionError> for Problem {
    fn from(error: AuctionError) -> Self {
        match error {
            AuctionError::NotFound => Self::not_found("auction"),
            AuctionError::Refused { refusal, currency } => refused(refusal, currency),
            AuctionError::RetractRefused(refusal) => retract_refused(refusal),
            AuctionError::NotForAuction => Self::conflict("not_for_auction", error.to_string()),
            AuctionError::AlreadyOpen => Self::conflict("auction_open", error.to_string()),
            AuctionError::NotCancellable => Self::conflict("auction_not_cancellable", error.to_string()),
            AuctionError::NotAnswered(refusal) => not_answered(refusal),
            AuctionError::NoChance => Self::not_found("second chance"),
            AuctionError::ChanceEnded(_) => Self::conflict("second_chance_ended", error.to_string()),
            AuctionError::NoNextBidder(_) => Self::conflict("no_next_bidder", error.to_string()),
            AuctionError::BelowReserve(_) => Self::conflict("below_reserve", error.to_string()),
            AuctionError::Checkout(error @ CheckoutError::Ended(_)) => {
                Self::conflict("checkout_ended", error.to_string())
            }
            AuctionError::Checkout(error @ CheckoutError::Paying) => {
                Self::conflict("payment_running", error.to_string())
            }
            AuctionError::Checkout(error) => Self::internal(error),
            AuctionError::Invalid(invalid) => invalid.into(),
            AuctionError::Order(error) => Self::internal(error),
            AuctionError::Stock(error) => error.into(),
            AuctionError::Database(error) => error.into(),
        }
    }
}

fn refused(refusal: Refused, currency: Currency) -> Problem {
    let text = refusal.to_string();
    match refusal {
        Refused::OwnLot => Problem::forbidden("own_lot", text),
        Refused::SellersPeople => Problem::forbidden("sellers_people", text),
        Refused::NotApproved => Problem::forbidden("org_not_approved", text),
        Refused::BrokersExcluded => Problem::forbidden("brokers_excluded", text),
        Refused::Barred { .. } => Problem::forbidden("barred", text),
        Refused::TooManyAuctions { .. } => Problem::conflict("too_many_auctions", text),
        Refused::SellerSuspended => Problem::conflict("seller_suspended", text),
        Refused::ListingSuspended => Problem::conflict("listing_suspended", text),
        Refused::TooManyBids => Problem::conflict("too_many_bids", text),
        Refused::NotStarted => Problem::conflict("auction_not_started", text),
        Refused::Ended => Problem::conflict("auction_ended", text),
        Refused::BelowMinimum { minimum } => {
            let minimum = Money::from_minor(minimum, currency);
            let detail = format!("the next bid must be at least {minimum}");
            Problem::unprocessable("bid_too_low", detail.clone()).at("/maximum", detail).next_minimum(minimum)
        }
        Refused::NotARaise => Problem::unprocessable("not_a_raise", text.clone()).at("/maximum", text),
        Refused::TooLarge => Problem::unprocessable("amount_too_large", text),
        Refused::QuantityOnWholeLot => {
            Problem::unprocessable("quantity_on_whole_lot", text.clone()).at("/quantity", text)
        }
        Refused::Quantity { min, max } => {
            Problem::unprocessable("quantity_out_of_range", text).at("/quantity", format!("expected {min} to {max}"))
        }
        Refused::BuyNowGone => Problem::conflict("buy_now_gone", text),
        Refused::NotRegistered => Problem::forbidden("not_registered", text),
        Refused::LimitExceeded { left } => {
            let left = Money::from_minor(left, currency);
            Problem::conflict("limit_exceeded", format!("the limit of the sale event leaves {left} for this lot"))
                .left(left)
        }
    }
}

fn not_answered(refusal: NotAnswered) -> Problem {
    let text = refusal.to_string();
    match refusal {
        NotAnswered::Ended => Problem::conflict("approval_ended", text),
        NotAnswered::NotYourTurn => Problem::conflict("not_your_turn", text),
        NotAnswered::NoCounter => Problem::conflict("no_counter", text),
        // The store says it with the currency.
        NotAnswered::CounterOutOfRange { .. } => Problem::unprocessable("invalid_value", text),
    }
}

fn retract_refused(refusal: RetractRefused) -> Problem {
    let text = refusal.to_string();
    match refusal {
        // Others' bids are none of the caller's business.
        RetractRefused::NotYours => Problem::not_found("bid"),
        RetractRefused::Ended => Problem::conflict("auction_ended", text),
        RetractRefused::Already => Problem::conflict("bid_retracted", text),
        RetractRefused::TooLate => Problem::conflict("retraction_too_late", text),
    }
}
