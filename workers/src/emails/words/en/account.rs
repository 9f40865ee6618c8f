//! Accounts, memberships and organisations.

english! { Account {
    because_registered = "You are receiving this email because this address was used to register with Tradeyard.";
    because_safety = "You are receiving this email because it concerns the safety of your Tradeyard account.";
    because_account = "You are receiving this email because this address has a Tradeyard account.";
    because_invited = "You are receiving this email because this address was invited to join an organisation on Tradeyard.";
    set_password = "Set password";
    open_org = "Open your organisation";

    verify_subject = "Confirm your email address";
    verify_preview = "Confirm it with your password, and your Tradeyard account is ready.";
    verify_text = "Please confirm that this address is yours, so that we can reach you about your bids, orders and deliveries. The page asks for the password that you registered with.";
    verify_action = "Confirm address";
    verify_note(until) = "The link works once, until {until}. If it was not you who registered with Tradeyard, ignore this email, or make the account yours: the page offers to set a new password.";

    reset_subject = "Set a new password";
    reset_preview = "The link works for an hour.";
    reset_text = "Somebody, probably you, has asked for a new password for the Tradeyard account of this address. Setting it logs you out everywhere.";
    reset_note(until) = "The link works once, until {until}. If you did not ask for it, ignore this email: nothing changes.";

    registered_subject = "This address has an account already";
    registered_preview = "Set a password of your own, and the account is yours.";
    registered_text = "Somebody, probably you, has tried to register this address with Tradeyard. It has an account already.";
    registered_how = "If you do not know its password, or did not make the account, set a password of your own: anybody else who used the account is logged out everywhere and cannot get back in.";
    registered_note(until) = "The link works once, until {until}. If it was not you who registered, ignore this email: nothing changes.";

    invitation_subject = "An invitation to an organisation on Tradeyard";
    invitation_preview = "You decide whether you join.";
    invitation_heading = "You are invited";
    invitation_viewer(org) = "An owner of the organisation “{org}” invites you to join it as viewer. You could then read everything of the organisation.";
    invitation_trader(org) = "An owner of the organisation “{org}” invites you to join it as trader. You could then list, bid and buy for the organisation.";
    invitation_owner(org) = "An owner of the organisation “{org}” invites you to join it as owner. You could then do everything for the organisation, including managing its members.";
    invitation_how = "To accept, you need an account with this address; without one, register first. Nothing happens until you answer.";
    invitation_action = "Look at the invitation";
    invitation_note(until) = "The invitation can be answered until {until}. If you do not know the organisation, ignore this email.";

    password_changed_subject = "Your password was changed";
    password_changed_preview = "You were logged out everywhere.";
    password_changed_text = "The password of your Tradeyard account was changed, and every session was ended.";
    password_changed_else = "If that was not you, somebody else can read your email: change your mailbox’s password first, then set a new one on Tradeyard.";

    session_ended_subject = "We ended one of your sessions";
    session_ended_preview = "Its key was used twice. Please log in again.";
    session_ended_text = "A key of one of your sessions was used a second time, which happens when somebody has copied it. To be safe, we ended that session; please log in there again.";
    session_ended_again = "If this happens again, check the device for software that you do not know, and set a new password.";

    second_factor_on_subject = "Logging in takes two steps now";
    second_factor_on_preview = "Your password, and a code from your app.";
    second_factor_on_text = "From now on, logging in to your Tradeyard account takes your password and a code from your authenticator app. Keep the recovery codes where you find them without your phone: each of them works once in place of the app.";
    second_factor_on_else = "If that was not you, somebody else is using your account: set a new password, and write to us.";
    second_factor_off_subject = "Logging in takes only your password again";
    second_factor_off_preview = "Codes from your app are no longer asked for.";
    second_factor_off_text = "Logging in to your Tradeyard account no longer takes a code from your authenticator app. Your recovery codes are void.";
    second_factor_else = "If that was not you, somebody else knows your password: set a new one now, and then new recovery codes.";
    recovery_code_subject = "A recovery code was used";
    recovery_code_preview = "It stood in for a code from your app.";
    recovery_code_text = "A recovery code was used with your Tradeyard account in place of a code from your authenticator app. It does not work again.";
    recovery_codes_none_left = "It was the last one. Make new ones in your account, or you cannot get in without your app.";
    recovery_codes_one_left = "One is left. You can make new ones in your account.";
    recovery_codes_left(left) = "{left} are left. You can make new ones in your account.";

    erasure_subject = "Your account will be erased";
    erasure_preview = "Until then you can take it back.";
    erasure_text(when) = "You have asked us to erase your Tradeyard account. That happens on {when}. Until then you can log in and take it back. After that nothing of it can be restored: your name, your address, your settings and our emails to you are gone, and the books of your organisations name you by a number alone.";
    erasure_else = "If that was not you, somebody else knows your password: take it back now, and set a new password.";

    account_suspended_subject = "Your account is suspended";
    account_suspended_preview = "You cannot log in at present. Here is why.";
    account_suspended_text = "You cannot log in to Tradeyard at present, and will get no further email from us. Organisations that nobody but you owns are suspended as well. The reason, as our team wrote it:";

    org_approved_subject(org) = "{org} is approved";
    org_approved_preview = "You can now publish listings and bid.";
    org_approved_heading = "Welcome to the market";
    org_approved_text(org) = "We have checked the details of {org}. You can now publish listings, bid and buy.";

    org_rejected_subject(org) = "About the application of {org}";
    org_rejected_preview = "We could not approve it. Here is why.";
    org_rejected_heading = "We could not approve your organisation";
    org_rejected_text(org) = "We have checked the application of {org} and cannot approve it. The reason, as our team wrote it:";
    org_rejected_note = "If something has changed, you can apply again.";

    org_suspended_subject(org) = "{org} is suspended";
    org_suspended_preview = "It cannot trade at present. Here is why.";
    org_suspended_heading = "Your organisation is suspended";
    org_suspended_text(org) = "{org} cannot list, bid or buy at present, and its listings are not shown. The reason, as our team wrote it:";
} }
