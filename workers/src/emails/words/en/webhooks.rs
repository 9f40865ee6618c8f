//! Webhook endpoints.

english! { Webhooks {
    webhooks_paused_subject(name) = "Webhooks paused: {name}";
    webhooks_paused_text(name, since) = "Every webhook to the endpoint {name} has failed since {since}. We have paused it.";
    webhooks_paused_note = "What happens meanwhile is written down as missed. When the endpoint works again, let it go on and replay what it missed.";
    webhooks_disabled_subject(name) = "Webhooks ended: {name}";
    webhooks_disabled_text(name) = "The endpoint {name} has answered that it is gone (410). We do not send anything there any more.";
    webhooks_disabled_note = "What happens meanwhile is not kept for this endpoint. If it was a mistake, let it go on; if not, remove it.";
    webhooks_heading = "Your webhooks have stopped";
    webhooks_endpoint = "Endpoint";
    webhooks_address = "Address";
    webhooks_failing_since = "Failing since";
    webhooks_action = "Open the endpoint";
    webhooks_reason = "You are receiving this email because you own the organisation that these webhooks are sent to.";
} }
