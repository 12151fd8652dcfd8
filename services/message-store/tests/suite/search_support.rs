//! What the tests of search do to the index, past the service.

use std::time::Duration;

use crate::support::Fixture;

impl Fixture {
    /// Makes the database refuse every message in the index, as a defect would.
    pub(crate) async fn refuse_index(&self) {
        let check = "ALTER TABLE search ADD CONSTRAINT refusal CHECK (message < 0) NOT VALID";
        let trigger =
            "CREATE TRIGGER refusal BEFORE INSERT ON search BEGIN SELECT raise(ABORT, 'refused'); END";
        self.database().execute(check, trigger).await.unwrap();
    }

    /// Makes the database refuse messages with a token.
    pub(crate) async fn refuse_token(&self, token: &str) {
        let check =
            format!("ALTER TABLE search ADD CONSTRAINT refusal CHECK (NOT tokens @> ARRAY['{token}'])");
        let trigger = format!(
            "CREATE TRIGGER refusal BEFORE INSERT ON search WHEN new.tokens LIKE '%{token}%' \
             BEGIN SELECT raise(ABORT, 'refused'); END"
        );
        self.database().execute(&check, &trigger).await.unwrap();
    }

    /// Ends the refusal.
    pub(crate) async fn accept_index(&self) {
        let check = "ALTER TABLE search DROP CONSTRAINT refusal";
        self.database().execute(check, "DROP TRIGGER refusal").await.unwrap();
    }

    /// Waits until the last replica has failed to index something.
    pub(crate) async fn await_failures(&self) {
        let failed = async {
            while self.metrics().contains("madang_store_search_failures_total 0") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), failed).await.unwrap();
    }

    /// Waits until all that was committed is indexed. It does not search, since a search tells the indexer what is missing.
    pub(crate) async fn await_index(&self) {
        let behind = "SELECT count(*) FROM rooms r LEFT JOIN search_positions p ON p.room = r.id \
                      WHERE r.head > coalesce(p.seq, 0)";
        self.await_count(behind, 0).await;
    }

    /// All that the index has: the tokens, and what FTS5 makes of them.
    pub(crate) async fn dump_of_search(&self) -> String {
        let database = self.database();
        if database.file().is_none() {
            return database.texts("SELECT s::text FROM search s").await.unwrap().join("\n");
        }
        let mut lines = database.texts("SELECT tokens FROM search").await.unwrap();
        for block in database.texts("SELECT hex(block) FROM search_index_data").await.unwrap() {
            let digits = block.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
            lines.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        lines.join("\n")
    }

    /// Checks that the index of FTS5 has what its table has, no more and no less.
    pub(crate) async fn check_index(&self) {
        let check = "INSERT INTO search_index (search_index, rank) VALUES ('integrity-check', 1)";
        self.database().execute("SELECT 1", check).await.unwrap();
    }
}
