-- Why Twilio would not, for people and for programs: kept with the leg and the transfer that failed of it.
ALTER TABLE legs ADD COLUMN failure_detail TEXT;
ALTER TABLE legs ADD COLUMN twilio_code INTEGER;
ALTER TABLE transfers ADD COLUMN twilio_code INTEGER;
