use super::*;

/// The example in the tests of Adyen's own libraries (adyen-ruby-api-library, `hmac_validator_spec.rb`).
const KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
const SIGNATURE: &str = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=";
const ITEM: Signed<'_> = Signed {
    psp_reference: "7914073381342284",
    original_reference: "",
    merchant_account: "TestMerchant",
    merchant_reference: "TestPayment-1407325143704",
    value: 1130,
    currency: "EUR",
    event_code: "AUTHORISATION",
    success: true,
};

#[test]
fn a_signature_is_the_one_of_adyens_own_libraries() {
    assert_eq!(check(KEY, SIGNATURE, &ITEM), Ok(()));
}

#[test]
fn an_item_that_was_changed_in_any_field_is_foreign() {
    for changed in [
        Signed { psp_reference: "1", ..ITEM },
        Signed { original_reference: "1", ..ITEM },
        Signed { merchant_account: "1", ..ITEM },
        Signed { merchant_reference: "1", ..ITEM },
        Signed { value: 1131, ..ITEM },
        Signed { currency: "USD", ..ITEM },
        Signed { event_code: "REFUND", ..ITEM },
        Signed { success: false, ..ITEM },
    ] {
        assert_eq!(check(KEY, SIGNATURE, &changed), Err(AdyenSignatureError::Foreign), "{changed:?}");
    }
    assert_eq!(check("00", SIGNATURE, &ITEM), Err(AdyenSignatureError::Foreign));
}

#[test]
fn a_key_or_a_signature_that_is_not_one_is_said_to_be() {
    for key in ["", "key", "0"] {
        assert_eq!(check(key, SIGNATURE, &ITEM), Err(AdyenSignatureError::Key), "{key}");
    }
    for signature in ["", "?", "AAAA"] {
        assert_eq!(check(KEY, signature, &ITEM), Err(AdyenSignatureError::Malformed), "{signature}");
    }
}
