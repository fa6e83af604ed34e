"""Checks of data: the SQL that finds what is wrong in each dialect, the verdict, and what people are told."""
