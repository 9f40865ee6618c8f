use proptest::prelude::*;

use super::*;
use crate::testing::eur;

#[test]
fn more_than_is_left_is_not_refunded() {
    assert_eq!(shares(eur(31), &[eur(10), eur(20)]), Err(RefundError::MoreThanLeft { left: eur(30) }));
    assert_eq!(shares(eur(0), &[eur(10)]), Err(RefundError::NotPositive));
    assert_eq!(shares(eur(5), &[eur(10), eur(-1)]), Err(RefundError::PartBelowZero));
    assert_eq!(shares(eur(1), &[]), Err(RefundError::MoreThanLeft { left: eur(0) }));
}

proptest! {
    #[test]
    fn parts_of_refunds_come_to_the_whole(
        parts in prop::collection::vec(0_i64..100_000, 1..6),
        refunds in prop::collection::vec(1_i64..50_000, 0..12),
    ) {
        let mut left: Vec<Money> = parts.into_iter().map(eur).collect();
        let sum = |left: &[Money]| left.iter().map(|part| part.minor()).sum::<i64>();
        let mut give = |refund: i64| -> Result<i64, TestCaseError> {
            let refund = refund.min(sum(&left));
            if refund == 0 {
                return Ok(0);
            }
            let given = shares(eur(refund), &left).unwrap();
            prop_assert_eq!(sum(&given), refund);
            for (part, share) in left.iter_mut().zip(given) {
                *part = part.checked_sub(share).unwrap();
                prop_assert!(share.minor() >= 0 && part.minor() >= 0);
            }
            Ok(sum(&left))
        };
        let mut rest = 0;
        for refund in refunds {
            rest = give(refund)?;
        }
        // The last one gives back all the rest.
        prop_assert!(rest >= 0);
        give(i64::MAX)?;
        prop_assert_eq!(sum(&left), 0);
        prop_assert!(left.iter().all(|part| part.minor() == 0));
    }
}
