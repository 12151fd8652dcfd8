-- Which texts of earlier versions have the form that texts have now: see src/store/sql/text_forms.rs.

CREATE TABLE text_forms (
    form text NOT NULL PRIMARY KEY
);

COMMENT ON TABLE text_forms IS 'The passes over the recorded texts that are done: names, by Normalization Form C and RFC 8265';
COMMENT ON COLUMN profiles.username IS 'In the form of the type Username, by which mentions find it';
