"""The same program with a mistake in every place where one is likely."""
