// Namespaces, signals and /proc: the harness is for Linux, as the product is.
[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
