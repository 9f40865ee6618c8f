//! Accounts, memberships and organisations.

translated! { German says Account {
    because_registered = "Sie erhalten diese E-Mail, weil mit dieser Adresse ein Konto bei Tradeyard angelegt wurde.";
    because_safety = "Sie erhalten diese E-Mail, weil sie die Sicherheit Ihres Kontos bei Tradeyard betrifft.";
    because_account = "Sie erhalten diese E-Mail, weil zu dieser Adresse ein Konto bei Tradeyard gehört.";
    because_invited = "Sie erhalten diese E-Mail, weil diese Adresse in ein Unternehmen auf Tradeyard eingeladen wurde.";
    set_password = "Passwort festlegen";
    open_org = "Unternehmen öffnen";

    verify_subject = "Bestätigen Sie Ihre E-Mail-Adresse";
    verify_preview = "Bestätigen Sie sie mit Ihrem Passwort, dann ist Ihr Konto bei Tradeyard bereit.";
    verify_text = "Bitte bestätigen Sie, dass diese Adresse Ihnen gehört, damit wir Sie zu Ihren Geboten, Bestellungen und Lieferungen erreichen. Die Seite fragt nach dem Passwort, mit dem Sie sich registriert haben.";
    verify_action = "Adresse bestätigen";
    verify_note(until) = "Der Link gilt einmal, bis {until}. Wenn nicht Sie sich bei Tradeyard registriert haben, ignorieren Sie diese E-Mail oder übernehmen Sie das Konto: Auf der Seite können Sie ein neues Passwort festlegen.";

    reset_subject = "Legen Sie ein neues Passwort fest";
    reset_preview = "Der Link gilt eine Stunde lang.";
    reset_text = "Jemand, vermutlich Sie, hat für das Konto dieser Adresse bei Tradeyard ein neues Passwort angefordert. Sobald Sie es festlegen, werden Sie überall abgemeldet.";
    reset_note(until) = "Der Link gilt einmal, bis {until}. Wenn Sie ihn nicht angefordert haben, ignorieren Sie diese E-Mail: Es ändert sich nichts.";

    registered_subject = "Zu dieser Adresse gibt es bereits ein Konto";
    registered_preview = "Legen Sie ein eigenes Passwort fest, dann gehört das Konto Ihnen.";
    registered_text = "Jemand, vermutlich Sie, wollte sich mit dieser Adresse bei Tradeyard registrieren. Es gibt dazu bereits ein Konto.";
    registered_how = "Wenn Sie das Passwort nicht kennen oder das Konto nicht angelegt haben, legen Sie ein eigenes Passwort fest: Wer das Konto sonst benutzt hat, wird überall abgemeldet und kommt nicht wieder hinein.";
    registered_note(until) = "Der Link gilt einmal, bis {until}. Wenn nicht Sie sich registriert haben, ignorieren Sie diese E-Mail: Es ändert sich nichts.";

    invitation_subject = "Einladung in ein Unternehmen auf Tradeyard";
    invitation_preview = "Sie entscheiden, ob Sie beitreten.";
    invitation_heading = "Sie sind eingeladen";
    invitation_viewer(org) = "Ein Inhaber des Unternehmens „{org}“ lädt Sie ein, ihm mit Leserechten beizutreten. Sie könnten dann alles lesen, was das Unternehmen betrifft.";
    invitation_trader(org) = "Ein Inhaber des Unternehmens „{org}“ lädt Sie ein, ihm als Händler beizutreten. Sie könnten dann für das Unternehmen anbieten, bieten und kaufen.";
    invitation_owner(org) = "Ein Inhaber des Unternehmens „{org}“ lädt Sie ein, ihm als Inhaber beizutreten. Sie könnten dann alles für das Unternehmen tun und auch seine Mitglieder verwalten.";
    invitation_how = "Um anzunehmen, brauchen Sie ein Konto mit dieser Adresse; wenn Sie noch keines haben, registrieren Sie sich bitte zuerst. Bis Sie antworten, geschieht nichts.";
    invitation_action = "Einladung ansehen";
    invitation_note(until) = "Sie können die Einladung bis {until} beantworten. Wenn Sie das Unternehmen nicht kennen, ignorieren Sie diese E-Mail.";

    password_changed_subject = "Ihr Passwort wurde geändert";
    password_changed_preview = "Sie wurden überall abgemeldet.";
    password_changed_text = "Das Passwort Ihres Kontos bei Tradeyard wurde geändert, und alle Sitzungen wurden beendet.";
    password_changed_else = "Wenn das nicht Sie waren, kann jemand anderes Ihre E-Mails lesen: Ändern Sie zuerst das Passwort Ihres Postfachs und legen Sie dann bei Tradeyard ein neues fest.";

    session_ended_subject = "Wir haben eine Ihrer Sitzungen beendet";
    session_ended_preview = "Ein Schlüssel wurde zweimal benutzt. Bitte melden Sie sich neu an.";
    session_ended_text = "Ein Schlüssel einer Ihrer Sitzungen wurde ein zweites Mal benutzt. Das geschieht, wenn ihn jemand kopiert hat. Sicherheitshalber haben wir diese Sitzung beendet; bitte melden Sie sich dort neu an.";
    session_ended_again = "Wenn das noch einmal geschieht, prüfen Sie das Gerät auf Programme, die Sie nicht kennen, und legen Sie ein neues Passwort fest.";

    second_factor_on_subject = "Ihre Anmeldung hat jetzt zwei Schritte";
    second_factor_on_preview = "Ihr Passwort und ein Code aus Ihrer App.";
    second_factor_on_text = "Von jetzt an brauchen Sie für die Anmeldung bei Tradeyard Ihr Passwort und einen Code aus Ihrer Authenticator-App. Bewahren Sie die Wiederherstellungscodes dort auf, wo Sie sie auch ohne Ihr Telefon finden: Jeder von ihnen ersetzt die App einmal.";
    second_factor_on_else = "Wenn das nicht Sie waren, benutzt jemand anderes Ihr Konto: Legen Sie ein neues Passwort fest und schreiben Sie uns.";
    second_factor_off_subject = "Für die Anmeldung genügt wieder Ihr Passwort";
    second_factor_off_preview = "Nach Codes aus Ihrer App wird nicht mehr gefragt.";
    second_factor_off_text = "Für die Anmeldung bei Tradeyard brauchen Sie keinen Code aus Ihrer Authenticator-App mehr. Ihre Wiederherstellungscodes gelten nicht mehr.";
    second_factor_else = "Wenn das nicht Sie waren, kennt jemand anderes Ihr Passwort: Legen Sie sofort ein neues fest und danach neue Wiederherstellungscodes.";
    recovery_code_subject = "Ein Wiederherstellungscode wurde benutzt";
    recovery_code_preview = "Er hat einen Code aus Ihrer App ersetzt.";
    recovery_code_text = "Bei Ihrem Konto bei Tradeyard wurde ein Wiederherstellungscode statt eines Codes aus Ihrer Authenticator-App benutzt. Er gilt kein zweites Mal.";
    recovery_codes_none_left = "Es war der letzte. Legen Sie in Ihrem Konto neue an, sonst kommen Sie ohne Ihre App nicht hinein.";
    recovery_codes_one_left = "Einer ist noch übrig. Neue können Sie in Ihrem Konto anlegen.";
    recovery_codes_left(left) = "{left} sind noch übrig. Neue können Sie in Ihrem Konto anlegen.";

    erasure_subject = "Ihr Konto wird gelöscht";
    erasure_preview = "Bis dahin können Sie es sich anders überlegen.";
    erasure_text(when) = "Sie haben uns gebeten, Ihr Konto bei Tradeyard zu löschen. Das geschieht am {when}. Bis dahin können Sie sich anmelden und die Löschung zurücknehmen. Danach lässt sich nichts wiederherstellen: Ihr Name, Ihre Adresse, Ihre Einstellungen und unsere E-Mails an Sie sind dann weg, und die Bücher Ihrer Unternehmen nennen Sie nur noch mit einer Nummer.";
    erasure_else = "Wenn das nicht Sie waren, kennt jemand anderes Ihr Passwort: Nehmen Sie die Löschung sofort zurück und legen Sie ein neues Passwort fest.";

    account_suspended_subject = "Ihr Konto ist gesperrt";
    account_suspended_preview = "Sie können sich zurzeit nicht anmelden. Hier steht, warum.";
    account_suspended_text = "Sie können sich zurzeit nicht bei Tradeyard anmelden und erhalten keine weiteren E-Mails von uns. Unternehmen, deren einziger Inhaber Sie sind, sind ebenfalls gesperrt. Die Begründung unseres Teams im Wortlaut:";

    org_approved_subject(org) = "{org} ist zugelassen";
    org_approved_preview = "Sie können jetzt Angebote veröffentlichen und bieten.";
    org_approved_heading = "Willkommen auf dem Marktplatz";
    org_approved_text(org) = "Wir haben die Angaben von {org} geprüft. Sie können jetzt Angebote veröffentlichen, bieten und kaufen.";

    org_rejected_subject(org) = "Zum Antrag von {org}";
    org_rejected_preview = "Wir konnten ihn nicht annehmen. Hier steht, warum.";
    org_rejected_heading = "Wir konnten Ihr Unternehmen nicht zulassen";
    org_rejected_text(org) = "Wir haben den Antrag von {org} geprüft und können ihn nicht annehmen. Die Begründung unseres Teams im Wortlaut:";
    org_rejected_note = "Wenn sich etwas geändert hat, können Sie den Antrag erneut stellen.";

    org_suspended_subject(org) = "{org} ist gesperrt";
    org_suspended_preview = "Ihr Unternehmen kann zurzeit nicht handeln. Hier steht, warum.";
    org_suspended_heading = "Ihr Unternehmen ist gesperrt";
    org_suspended_text(org) = "{org} kann zurzeit nichts anbieten, nicht bieten und nichts kaufen, und seine Angebote werden nicht angezeigt. Die Begründung unseres Teams im Wortlaut:";
} }
