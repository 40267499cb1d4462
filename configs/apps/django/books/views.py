"""The two public pages."""
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.html import format_html, format_html_join

from books.models import Book


def shelf(request):
    rows = format_html_join("", '<li><a href="/books/{}/">{}</a>, {}</li>',
                            ((b.pk, b.title, b.author) for b in Book.objects.all()))
    return HttpResponse(format_html("<!doctype html><title>Library</title><h1>Library</h1><ul>{}</ul>"
                                    '<p><a href="/admin/">admin</a></p>\n', rows))


def book(request, number):
    found = get_object_or_404(Book, pk=number)
    return HttpResponse(format_html("<!doctype html><title>{0}</title><h1>{0}</h1><p>{1}, {2}</p>\n",
                                    found.title, found.author, found.year))
