DROP INDEX calls_live;
DROP INDEX legs_address;
DROP TABLE do_not_call;
