"""Public fakes and tools for tests, ours and our users': virtual clock, collecting notifier, fresh stores."""
