-- What the lists of EPCIS and its orders go along. It needs no table outside the events database.

CREATE INDEX cargo_epcis_events_by_record_time ON cargo_epcis_events (org, recorded_at, id);
CREATE INDEX cargo_epcis_events_by_type ON cargo_epcis_events (org, type, event_time, id);
