//! The private Redis Cluster and its faults.

use madang_test_kit::RedisCluster;
use redis::cmd;

#[tokio::test]
async fn a_cluster_serves_all_slots_and_survives_its_masters() {
    let cluster = RedisCluster::start().await.unwrap();
    assert_eq!(cluster.masters().await, [0, 1, 2]);
    assert_eq!((cluster.replica_of(0).await, cluster.replica_of(3).await), (Some(3), None));

    // Keys lie where their slots are.
    for key in ["a", "b", "c"] {
        cluster.run::<()>(key, cmd("SET").arg(key).arg(1)).await.unwrap();
    }
    let mut keys = cluster.keys("*").await.unwrap();
    keys.sort();
    assert_eq!(keys, ["a", "b", "c"]);
    // As CLUSTER KEYSLOT has it: a is the last third's, b and c are the first's and the second's.
    assert_eq!(cluster.master_of("a").await.unwrap(), (2, 15_495));

    // A manual failover keeps the data.
    cluster.failover(5).await.unwrap();
    assert_eq!(cluster.master_of("a").await.unwrap().0, 5);
    assert_eq!(cluster.run::<i64>("a", cmd("GET").arg("a")).await.unwrap(), 1);
    cluster.settled().await.unwrap();
    assert_eq!(cluster.replica_of(5).await, Some(2));

    // A kill has the replica take over; what was killed comes back as the replica.
    cluster.kill9(5).await.unwrap();
    assert_eq!(cluster.master_of("a").await.unwrap().0, 2);
    cluster.restart(5).await.unwrap();
    cluster.settled().await.unwrap();
    assert_eq!(cluster.masters().await, [0, 1, 2]);

    // A slot moves with its keys.
    cluster.move_slot(15_495, 0).await.unwrap();
    cluster.settled().await.unwrap();
    assert_eq!(cluster.master_of("a").await.unwrap(), (0, 15_495));
    assert_eq!(cluster.run::<i64>("a", cmd("GET").arg("a")).await.unwrap(), 1);

    cluster.flush().await.unwrap();
    assert_eq!(cluster.keys("*").await.unwrap(), Vec::<String>::new());
    cluster.stop().await.unwrap();
    let ports = cluster.addresses();
    assert!(ports.iter().all(|address| madang_test_kit::is_free(address.port())));
}
