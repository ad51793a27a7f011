namespace Akka.Configuration;

/// <summary>The values that hold where the configuration says nothing.</summary>
internal static class DefaultConfig
{
    public static Config Instance { get; } = ConfigurationFactory.ParseString("""
        akka {
          loglevel = INFO
          loggers = ["Akka.Event.DefaultLogger"]
          log-dead-letters = 10
          actor {
            ask-timeout = infinite
            default-dispatcher.throughput = 50
            serializers {
              json = "Akka.Serialization.NewtonSoftJsonSerializer, Orchestrator.Akka"
              bytes = "Akka.Serialization.ByteArraySerializer, Orchestrator.Akka"
            }
            serialization-bindings {
              "System.Byte[]" = bytes
              "System.Object" = json
            }
          }
          coordinated-shutdown {
            default-phase-timeout = 5 s
            terminate-actor-system = on
            run-by-actor-system-terminate = on
            phases {
              before-service-unbind { }
              service-unbind { depends-on = [before-service-unbind] }
              service-requests-done { depends-on = [service-unbind] }
              service-stop { depends-on = [service-requests-done] }
              before-cluster-shutdown { depends-on = [service-stop] }
              cluster-sharding-shutdown-region { timeout = 10 s, depends-on = [before-cluster-shutdown] }
              cluster-leave { depends-on = [cluster-sharding-shutdown-region] }
              cluster-exiting { timeout = 10 s, depends-on = [cluster-leave] }
              cluster-exiting-done { depends-on = [cluster-exiting] }
              cluster-shutdown { depends-on = [cluster-exiting-done] }
              before-actor-system-terminate { depends-on = [cluster-shutdown] }
              actor-system-terminate { timeout = 10 s, depends-on = [before-actor-system-terminate] }
            }
          }
          persistence.max-concurrent-recoveries = 400
        }
        orchestrator.journal {
          outage-patience = 60 s
          retry-min = 50 ms
          retry-max = 1 s
          max-batches-per-group = 200
          groups-in-flight = 2
        }
        """);
}
