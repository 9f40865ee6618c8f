//! Reports, and files that were imported and exported.

translated! { German says Files {
    report_sales = "Verkäufe";
    report_inventory_check = "Bestandsprüfung";
    report_monthly_analytics = "Monatsanalyse";
    report_commissions = "Provisionen";
    report_payouts = "Auszahlungen";
    report_cargo_volume = "Frachtaufkommen";
    report_platform_sales = "Verkäufe der Plattform";
    report_user_activity = "Nutzeraktivität";
    report_job_activity = "Aktivität der Hintergrundaufträge";

    report_subject(title, period, org) = "Bericht {title} {period}: {org}";
    report_fell_subject(title, percent, period, org) = "{title} um {percent} % gefallen, {period}: {org}";
    report_fell(title, percent, before, now) = "{title}: um {percent} % gegenüber dem Zeitraum davor gefallen, von {before} auf {now}.";
    report_preview(rows) = "{rows} Zeilen. Der Download ist bereit.";
    report_heading(title) = "Ihr Bericht ist fertig: {title}";
    report_text(title, org) = "Der Bericht „{title}“ von {org} kann jetzt heruntergeladen werden.";
    report_from_to(first, last) = "{first} bis {last}";
    report_period = "Zeitraum";
    report_zone = "Zeitzone";
    report_rows = "Zeilen";
    report_total = "Summe";
    report_format = "Format";
    report_action = "Bericht herunterladen";
    report_note(until) = "Der Link gilt bis {until}. Wer ihn hat, kann den Bericht herunterladen; bitte leiten Sie diese E-Mail deshalb nicht weiter.";
    report_reason = "Sie erhalten diese E-Mail, weil Sie diesen Bericht angefordert haben.";
    report_regular_reason = "Sie erhalten diese E-Mail, weil Sie diesen Bericht abonniert haben oder Inhaber des Unternehmens sind.";

    import_stock = "Bestand";
    import_listings = "Angebote";
    import_past_sales = "frühere Verkäufe";
    import_failed_subject(what) = "Import fehlgeschlagen: {what}";
    import_failed_heading = "Ihre Datei konnte nicht übernommen werden";
    import_failed_text = "Die Datei wurde nicht bis zum Ende übernommen. Die Meldung des Programms im Wortlaut:";
    import_done_subject(what) = "Importiert: {what}";
    import_done_heading = "Ihre Datei ist übernommen";
    import_done_text(all) = "Alle {all} Zeilen Ihrer Datei sind übernommen.";
    import_part_subject(what) = "Teilweise importiert: {what}";
    import_part_heading = "Einige Zeilen wurden abgelehnt";
    import_part_text(refused, all) = "{refused} von {all} Zeilen wurden abgelehnt; zu jeder finden Sie Zeilennummer, Spalte und Grund.";
    import_tried_subject(what) = "Geprüft: {what}";
    import_tried_heading = "Ihre Datei kann übernommen werden";
    import_tried_text(all) = "Alle {all} Zeilen Ihrer Datei wurden geprüft, keine würde abgelehnt. Übernommen wurde nichts.";
    import_faulty_subject(what) = "Geprüft, mit Fehlern: {what}";
    import_faulty_heading = "Einige Zeilen würden abgelehnt";
    import_faulty_text(refused, all) = "{refused} von {all} Zeilen würden abgelehnt; zu jeder finden Sie Zeilennummer, Spalte und Grund. Übernommen wurde nichts.";
    import_applied = "Übernommen";
    import_applicable = "Würden übernommen";
    import_unchanged = "Unverändert";
    import_incomplete = "Unvollständige Entwürfe";
    import_refused = "Abgelehnt";
    import_action = "Import öffnen";
    import_reason = "Sie erhalten diese E-Mail, weil Sie diese Datei gesendet haben.";

    export_listings = "Angebote";
    export_orders = "Bestellungen";
    export_bids = "Gebote";
    export_cargo_events = "Frachtereignisse";
    export_own_data = "Ihre eigenen Daten";
    export_subject(what) = "Ihr Export ist fertig: {what}";
    export_subject_of(what, org) = "Ihr Export ist fertig: {what} von {org}";
    export_heading = "Ihr Export ist fertig";
    export_text(what) = "Was Sie angefordert haben, kann jetzt heruntergeladen werden: {what}.";
    export_action = "Export öffnen";
    export_note = "Zum Herunterladen müssen Sie angemeldet sein.";
    export_reason = "Sie erhalten diese E-Mail, weil Sie diesen Export angefordert haben.";
} }
