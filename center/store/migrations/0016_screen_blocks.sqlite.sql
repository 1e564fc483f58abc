-- Numbers of a list in rows of up to 10,000 neighbours (screens/packer.rs): block is a number without its last four
-- digits, offsets are those, two bytes each, ascending. What was loaded before counts on.
CREATE TABLE screen_block (
    screen_id BIGINT NOT NULL,
    block     BIGINT NOT NULL,
    offsets   BLOB NOT NULL,
    PRIMARY KEY (screen_id, block)
);
INSERT INTO screen_block (screen_id, block, offsets)
SELECT screen_id, CAST(substr(number, 2) AS INTEGER) / 10000,
       unhex(group_concat(printf('%04X', CAST(substr(number, 2) AS INTEGER) % 10000), '' ORDER BY number))
FROM screen_number GROUP BY 1, 2 ORDER BY 1, 2;
DROP TABLE screen_number;
