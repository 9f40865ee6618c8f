-- What is wrong with the queue's transport, beside the words in broker_error: down, or alive and taking no messages.

ALTER TABLE queue_status
    ADD COLUMN transport_problem text CHECK (transport_problem IN ('down', 'blocked'));
