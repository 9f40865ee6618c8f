//! Reports, and files that were imported and exported.

english! { Files {
    report_sales = "Sales";
    report_inventory_check = "Inventory check";
    report_monthly_analytics = "Monthly analytics";
    report_commissions = "Commissions";
    report_payouts = "Payouts";
    report_cargo_volume = "Cargo volume";
    report_platform_sales = "Platform sales";
    report_user_activity = "User activity";
    report_job_activity = "Job activity";

    report_subject(title, period, org) = "{title} report {period}: {org}";
    report_fell_subject(title, percent, period, org) = "{title} fell by {percent} %, {period}: {org}";
    report_fell(title, percent, before, now) = "{title} fell by {percent} % against the period before: from {before} to {now}.";
    report_preview(rows) = "{rows} rows. The download is ready.";
    report_heading(title) = "Your report is ready: {title}";
    report_text(title, org) = "The report “{title}” of {org} can be downloaded now.";
    report_from_to(first, last) = "{first} to {last}";
    report_period = "Period";
    report_zone = "Time zone";
    report_rows = "Rows";
    report_total = "Total";
    report_format = "Format";
    report_action = "Download report";
    report_note(until) = "The link works until {until}. Anyone who has it can download the report, so please do not forward this email.";
    report_reason = "You are receiving this email because you asked for this report.";
    report_regular_reason = "You are receiving this email because you subscribed to this report, or own the organisation.";

    import_stock = "stock";
    import_listings = "listings";
    import_past_sales = "past sales";
    import_failed_subject(what) = "The import failed: {what}";
    import_failed_heading = "Your file could not be applied";
    import_failed_text = "The file was not applied to its end. What went wrong, in the program's own words:";
    import_done_subject(what) = "Imported: {what}";
    import_done_heading = "Your file is applied";
    import_done_text(all) = "All {all} rows of your file are applied.";
    import_part_subject(what) = "Imported in part: {what}";
    import_part_heading = "Some rows were refused";
    import_part_text(refused, all) = "{refused} of {all} rows were refused; each is listed with its line, column and reason.";
    import_tried_subject(what) = "Checked: {what}";
    import_tried_heading = "Your file can be applied";
    import_tried_text(all) = "All {all} rows of your file were tried, and none would be refused. Nothing was applied.";
    import_faulty_subject(what) = "Checked, with faults: {what}";
    import_faulty_heading = "Some rows would be refused";
    import_faulty_text(refused, all) = "{refused} of {all} rows would be refused; each is listed with its line, column and reason. Nothing was applied.";
    import_applied = "Applied";
    import_applicable = "Would be applied";
    import_unchanged = "Unchanged";
    import_incomplete = "Incomplete drafts";
    import_refused = "Refused";
    import_action = "Open the import";
    import_reason = "You are receiving this email because you sent this file.";

    export_listings = "listings";
    export_orders = "orders";
    export_bids = "bids";
    export_cargo_events = "cargo events";
    export_own_data = "your own data";
    export_subject(what) = "Your export is ready: {what}";
    export_subject_of(what, org) = "Your export is ready: {what} of {org}";
    export_heading = "Your export is ready";
    export_text(what) = "What you asked for can be downloaded now: {what}.";
    export_action = "Open the export";
    export_note = "You need to be logged in to download it.";
    export_reason = "You are receiving this email because you asked for this export.";
} }
