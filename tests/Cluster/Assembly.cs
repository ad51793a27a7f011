// One cluster at a time: two cores carry three nodes, PostgreSQL, the fleet and the clients.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
