ALTER TABLE transfers DROP COLUMN twilio_code;
ALTER TABLE legs DROP COLUMN twilio_code;
ALTER TABLE legs DROP COLUMN failure_detail;
