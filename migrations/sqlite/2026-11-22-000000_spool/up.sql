-- Our own name for one arrival of what Twilio sent, so that taking it in a second time, from the spool, is noticed.
ALTER TABLE webhooks ADD COLUMN arrival TEXT;
CREATE UNIQUE INDEX webhooks_arrival ON webhooks (arrival);
