-- Whether RabbitMQ gave the message up because it came back too often. What is in it may be sound, so it is kept until somebody decides.
ALTER TABLE cargo_rejects ADD COLUMN parked boolean NOT NULL DEFAULT false;
