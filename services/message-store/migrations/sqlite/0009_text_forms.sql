-- Which texts of earlier versions have the form that texts have now: see src/store/sql/text_forms.rs.
CREATE TABLE text_forms (
    form TEXT NOT NULL PRIMARY KEY -- a pass over the recorded texts that is done
) STRICT, WITHOUT ROWID;
