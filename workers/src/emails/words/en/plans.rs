//! Plans.

english! { Plans {
    plan_free = "Free";
    plan_standard = "Standard";
    plan_pro = "Pro";
    plan_partner = "Partner";
    plan_charged_subject(plan, amount) = "Your plan {plan}: {amount} is due";
    plan_charged_heading = "Your plan's fee is due";
    plan_charged_text(plan, amount) = "Please pay {amount} for your plan {plan}. It holds from now on.";
    plan_reminded_subject(plan, amount) = "Reminder: {amount} for your plan {plan} is not paid";
    plan_reminded_heading = "Your plan's fee is not paid";
    plan_reminded_text(plan, amount) = "We have not received the {amount} for your plan {plan} yet.";
    plan_reminded_note = "Until it is paid you can do no more than on the free plan. What is published stays published.";
    plan_failed_subject(plan, amount) = "{amount} for your plan {plan} could not be paid";
    plan_failed_heading = "Your payment has failed";
    plan_failed_text(plan, amount) = "The payment of {amount} for your plan {plan} was declined. Please try again, or pay in another way.";
    plan_paid_subject(plan, amount) = "{amount} for your plan {plan} is paid";
    plan_paid_heading = "Thank you for your payment";
    plan_paid_text(plan, amount) = "We have received {amount} for your plan {plan}.";
    plan_restored_subject(plan, amount) = "{amount} received: your plan {plan} is active again";
    plan_restored_text(plan, amount) = "We have received {amount}. Everything that your plan {plan} allows is possible again.";
    plan_lapsed_subject(plan) = "Your plan {plan} has ended";
    plan_lapsed_heading = "You are on the free plan";
    plan_lapsed_text(plan, amount) = "We did not receive the {amount} for your plan {plan} within 14 days, so it has ended.";
    plan_lapsed_note = "You keep your listings, orders and data. You can choose a plan again once what you owe is paid.";
    plan_owing_text(plan, amount) = "Your plan {plan} has ended, and {amount} of what it cost is not paid.";
    plan_not_offered_subject(plan) = "The plan {plan} is not offered any more";
    plan_not_offered_text(plan) = "The plan {plan} was to follow for your organisation. It is not offered any more, so you are on the free plan now.";
    plan_not_offered_note = "You keep your listings, orders and data, and can choose another plan.";
    plan_name = "Plan";
    plan_reminder = "Reminder";
    plan_reminder_of(number) = "{number} of 3";
    plan_lapses = "The plan ends unless paid by";
    plan_pay = "Pay now";
    plan_view = "View your plan";
    plan_reason = "You are receiving this email because you own the organisation that subscribes to this plan.";
} }
