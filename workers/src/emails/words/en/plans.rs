//! Plans.

english! { Plans {
    plan_free = "Free";
    plan_standard = "Standard";
    plan_pro = "Pro";
    plan_partner = "Partner";
    plan_charged_subject(plan, amount) = "Your {plan} plan: {amount} is due";
    plan_charged_heading = "Your plan's fee is due";
    plan_charged_text(plan, amount) = "Please pay {amount} for your {plan} plan. The plan is already active.";
    plan_reminded_subject(plan, amount) = "Reminder: {amount} for your {plan} plan is overdue";
    plan_reminded_heading = "Your plan's fee is overdue";
    plan_reminded_text(plan, amount) = "We have not yet received {amount} for your {plan} plan.";
    plan_reminded_note = "Until you pay, the limits of the free plan apply. What you have published stays published.";
    plan_failed_subject(plan, amount) = "Payment failed: {amount} for your {plan} plan";
    plan_failed_heading = "Your payment has failed";
    plan_failed_text(plan, amount) = "The payment of {amount} for your {plan} plan did not go through. Please try again, or pay in another way.";
    plan_paid_subject(plan, amount) = "Payment received: {amount} for your {plan} plan";
    plan_paid_heading = "Thank you for your payment";
    plan_paid_text(plan, amount) = "We have received {amount} for your {plan} plan.";
    plan_restored_subject(plan, amount) = "{amount} received: your {plan} plan is active again";
    plan_restored_text(plan, amount) = "We have received {amount}. You can use everything in your {plan} plan again.";
    plan_lapsed_subject(plan) = "Your {plan} plan has ended";
    plan_lapsed_heading = "You are now on the free plan";
    plan_lapsed_text(plan, amount) = "We did not receive {amount} for your {plan} plan within 14 days, so it has ended.";
    plan_lapsed_note = "You keep your listings, orders and data. You can choose a plan again once you have paid what you owe.";
    plan_owing_text(plan, amount) = "Your {plan} plan has ended, and {amount} is still unpaid.";
    plan_not_offered_subject(plan) = "The {plan} plan is no longer offered";
    plan_not_offered_text(plan) = "The {plan} plan was to follow for your organisation. It is no longer offered, so you are now on the free plan.";
    plan_not_offered_note = "You keep your listings, orders and data, and can choose another plan.";
    plan_name = "Plan";
    plan_reminder = "Reminder";
    plan_reminder_of(number) = "{number} of 3";
    plan_lapses = "Without payment, the plan ends on";
    plan_pay = "Pay now";
    plan_view = "View your plan";
    plan_reason = "You are receiving this email because you are an owner of the organisation that chose this plan.";
} }
