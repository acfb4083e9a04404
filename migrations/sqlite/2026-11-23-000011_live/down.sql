DROP INDEX legs_live;
DROP INDEX calls_live;
