-- How its depositor said that a file is to be read, over what was detected and agreed (JSON).
ALTER TABLE deposits ADD COLUMN reading TEXT;
-- Of a file that the hub made from a refused one: from which deposit, and what it changed in which cells (JSON).
ALTER TABLE deposits ADD COLUMN corrected_from BLOB REFERENCES deposits (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE deposits ADD COLUMN changes TEXT;
