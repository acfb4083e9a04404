DROP TABLE timers;
DROP TABLE commands;
DROP TABLE webhooks;
DROP TABLE events;
DROP TABLE transfers;
DROP TABLE legs;
DROP TABLE call_requests;
DROP TABLE calls;
